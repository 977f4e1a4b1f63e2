using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>The attributes that both operators of linears per head have.</summary>
internal sealed record PerHeadSettings
{
    private const int HeadsMax = 1 << 14;
    private const int SizeMax = 1 << 20;

    public required int Heads { get; init; }

    /// <summary>Columns of a head that are multiplied, the first of it.</summary>
    public required int Inputs { get; init; }

    /// <summary>Columns of a head where rows are those of tokens; those behind <see cref="Inputs"/> are left out.</summary>
    public required int Stride { get; init; }

    public required int Outputs { get; init; }

    /// <summary>Rows lie head by head [heads · tokens, inputs] instead of token by token [tokens, heads · stride].</summary>
    public bool InputByHead { get; init; }

    /// <summary>The result likewise.</summary>
    public bool OutputByHead { get; init; }

    /// <summary>Floats from a token's row of a head to the next token's.</summary>
    public int InputStride => InputByHead ? Inputs : checked(Heads * Stride);

    public int OutputStride => OutputByHead ? Outputs : checked(Heads * Outputs);

    /// <summary>Floats from a head's first row to the next head's.</summary>
    public long InputStep(int tokens) => InputByHead ? (long)tokens * Inputs : Stride;

    public long OutputStep(int tokens) => OutputByHead ? (long)tokens * Outputs : Outputs;

    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">An attribute is out of its range or does not fit another.</exception>
    public static unsafe PerHeadSettings Read(void* info)
    {
        var inputs = Number(info, "inputs", "inputs\0"u8, SizeMax);
        var settings = new PerHeadSettings
        {
            Heads = Number(info, "num_heads", "num_heads\0"u8, HeadsMax),
            Inputs = inputs,
            Outputs = Number(info, "N", "N\0"u8, SizeMax),
            InputByHead = OrtCustomOpApi.GetInteger(info, "input_by_head\0"u8, 0) != 0,
            OutputByHead = OrtCustomOpApi.GetInteger(info, "output_by_head\0"u8, 0) != 0,
            Stride = Number(info, "stride", "stride\0"u8, SizeMax, inputs),
        };
        if ((long)settings.Heads * Math.Max(settings.Stride, settings.Outputs) > int.MaxValue)
            throw Refuse($"{settings.Heads} heads of {settings.Stride} and {settings.Outputs} columns are too many");
        return settings.Stride >= inputs && (!settings.InputByHead || settings.Stride == inputs)
            ? settings : throw Refuse($"stride {settings.Stride} does not fit inputs {inputs}");
    }

    /// <summary>The rows of a call.</summary>
    /// <exception cref="InvalidDataException">They do not fit.</exception>
    public unsafe int Bind(void* context, out float* input)
    {
        Span<long> shape = stackalloc long[2];
        input = (float*)OrtCustomOpApi.GetInput(context, 0, shape);
        var columns = InputByHead ? Inputs : (long)Heads * Stride;
        if (shape[1] != columns || (InputByHead && shape[0] % Heads != 0))
            throw new InvalidDataException($"rows are [{shape[0]}, {shape[1]}], not of {columns} columns for {Heads} heads");
        return checked((int)(InputByHead ? shape[0] / Heads : shape[0]));
    }

    /// <summary>Makes the output of a call.</summary>
    public unsafe float* Output(void* context, int tokens) => (float*)(OutputByHead
        ? OrtCustomOpApi.GetOutput(context, (long)tokens * Heads, Outputs)
        : OrtCustomOpApi.GetOutput(context, tokens, (long)Heads * Outputs));

    private static NotSupportedException Refuse(string fault) => new($"{fault}; {QuantizedMatrix.Remedy}");

    private static unsafe int Number(void* info, string name, ReadOnlySpan<byte> attribute, int most, long missing = 0)
    {
        var number = OrtCustomOpApi.GetInteger(info, attribute, missing);
        return number >= 1 && number <= most ? (int)number : throw Refuse($"{name} is {number}, not from 1 to {most}");
    }
}
