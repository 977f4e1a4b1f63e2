namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>Inputs of operators with states, fetched with their shapes checked.</summary>
internal static unsafe class RecurrentInputs
{
    /// <summary>A matrix of the step's rows.</summary>
    public static float* Rows(void* context, int input, string name, out long rows, out long width)
    {
        var shape = stackalloc long[2];
        var values = (float*)OrtCustomOpApi.GetInput(context, input, new Span<long>(shape, 2));
        (rows, width) = (shape[0], shape[1]);
        return values is not null || rows == 0 ? values : throw new InvalidDataException($"{name} are missing");
    }

    /// <summary>Some columns of a matrix of the step's rows.</summary>
    /// <exception cref="InvalidDataException">It has other rows, or too few columns.</exception>
    public static float* Columns(void* context, int input, string name, long rows, int first, int count, out int stride)
    {
        var values = Rows(context, input, name, out var found, out var width);
        if (found != rows || width < (long)first + count)
            throw new InvalidDataException($"{name} are [{found}, {width}], not [{rows}, {first} + {count}] or wider");
        stride = checked((int)width);
        return values + first;
    }

    /// <summary>A vector of a length.</summary>
    /// <exception cref="InvalidDataException">It has another length.</exception>
    public static float* Vector(void* context, int input, string name, int count)
    {
        long found;
        var values = (float*)OrtCustomOpApi.GetInput(context, input, new Span<long>(&found, 1));
        return values is not null && found == count ? values : throw new InvalidDataException($"{name} are {found} numbers, not {count}");
    }
}
