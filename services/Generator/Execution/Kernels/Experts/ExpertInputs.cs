namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>How inputs of a node of either operator become pointers.</summary>
internal static unsafe class ExpertInputs
{
    public const int Correction = 2;

    /// <summary>An optional constant; 0 where the node leaves it out.</summary>
    /// <exception cref="NotSupportedException">It has another shape, or is computed.</exception>
    public static IntPtr ReadOptional(void* info, int index, string name, params ReadOnlySpan<long> wanted)
    {
        Span<long> shape = stackalloc long[wanted.Length];
        var constant = OrtCustomOpApi.GetConstant(info, index, shape);
        return constant is null || shape.SequenceEqual(wanted) ? (IntPtr)constant : throw Misfit(name, shape, wanted);
    }

    /// <summary>A constant that every node has.</summary>
    /// <exception cref="NotSupportedException">It has another shape, or is computed.</exception>
    public static IntPtr Read(void* info, int index, string name, params ReadOnlySpan<long> wanted)
    {
        var constant = ReadOptional(info, index, name, wanted);
        return constant != 0 ? constant : throw ExpertSettings.Refuse($"{name} is no constant");
    }

    /// <summary>Rows of a step, and the router's logits for them.</summary>
    /// <exception cref="InvalidDataException">They do not fit the model or each other.</exception>
    public static int Bind(void* context, ExpertSettings settings, out float* input, out float* logits)
    {
        Span<long> shape = stackalloc long[2];
        input = (float*)OrtCustomOpApi.GetInput(context, 0, shape);
        var rows = shape[0];
        if (shape[1] != settings.Hidden)
            throw new InvalidDataException($"rows have {shape[1]} inputs, not {settings.Hidden}");
        logits = (float*)OrtCustomOpApi.GetInput(context, 1, shape);
        return shape[0] == rows && shape[1] == settings.Experts
            ? checked((int)rows)
            : throw new InvalidDataException($"the router's logits are [{shape[0]}, {shape[1]}], not [{rows}, {settings.Experts}]");
    }

    private static NotSupportedException Misfit(string name, ReadOnlySpan<long> found, ReadOnlySpan<long> wanted) =>
        ExpertSettings.Refuse($"{name} is [{string.Join(", ", found.ToArray())}], not [{string.Join(", ", wanted.ToArray())}]");
}
