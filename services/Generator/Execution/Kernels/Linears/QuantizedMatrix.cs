using Parley.PackageFormat;


namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>A constant matrix of a node, where it lies in the mapped package.</summary>
/// <param name="Outputs">Rows.</param>
/// <param name="Inputs">Columns.</param>
/// <param name="Group">Inputs per scale.</param>
/// <param name="Planes">1 for codes of 4 bits, 2 for those of 8.</param>
/// <param name="HasMinima">Whether a minimum follows each scale.</param>
/// <param name="Codes">Address of the codes.</param>
/// <param name="Halves">Address of scales and minima.</param>
/// <param name="Levels">What codes of 4 bits stand for; null where they are numbers.</param>
internal sealed record QuantizedMatrix(
    int Outputs, int Inputs, int Group, int Planes, bool HasMinima, IntPtr Codes, IntPtr Halves, LevelPlanes? Levels = null)
{
    /// <summary>Rows of the matrix as it lies, where this is the first of them.</summary>
    public int StoredOutputs { get; init; } = Outputs;

    public const string Remedy = "import the model again with this build";

    /// <summary>Bytes of all codes.</summary>
    public long CodeBytes => QuantizedLinearLayout.CodeBytes(Outputs, Inputs, Planes);

    /// <summary>Halves of all scales and minima.</summary>
    public long HalfCount => (long)QuantizedLinearLayout.Blocks(Outputs) * QuantizedLinearLayout.BlockScales(Inputs, Group, HasMinima);

    /// <summary>Reads the attributes and the two constants of a node, and checks that they fit each other.</summary>
    /// <param name="info">The node.</param>
    /// <param name="codesInput">Index of the codes; the scales follow.</param>
    /// <exception cref="NotSupportedException">The layout or a size is none that the kernels know.</exception>
    public static unsafe QuantizedMatrix Read(void* info, int codesInput)
    {
        var outputs = OrtCustomOpApi.GetInteger(info, "N\0"u8, 0);
        var inputs = OrtCustomOpApi.GetInteger(info, "K\0"u8, 0);
        var format = QuantizedMatrixFormat.Read(info, "layout\0"u8, "bits\0"u8, "group\0"u8, "levels\0"u8);
        return Read(info, codesInput, outputs, inputs, copies: 1, format);
    }

    /// <summary>The same of matrices of one size that lie one after the other; the record is the first of them.</summary>
    /// <param name="info">The node.</param>
    /// <param name="codesInput">Index of the codes; the scales follow.</param>
    /// <param name="outputs">Rows of each.</param>
    /// <param name="inputs">Columns of each.</param>
    /// <param name="copies">How many there are.</param>
    /// <param name="format">What the node says of their weights.</param>
    /// <exception cref="NotSupportedException">The layout or a size is none that the kernels know.</exception>
    public static unsafe QuantizedMatrix Read(
        void* info, int codesInput, long outputs, long inputs, int copies, QuantizedMatrixFormat format)
    {
        var (layout, bits, group, numbers) = format;
        if (layout is < QuantizedLinearLayout.Version or > QuantizedLinearLayout.VersionMax)
        {
            throw new NotSupportedException($"the weights have layout {layout}, this build reads {QuantizedLinearLayout.Version} to "
                + $"{QuantizedLinearLayout.VersionMax}; {Remedy}");
        }

        if (bits is not (4 or 8) || !QuantizedLinearLayout.Groups.Contains((int)group))
            throw new NotSupportedException($"bits {bits} and group {group} must be 4 or 8, and 16, 32, 64 or 128; {Remedy}");
        if (outputs is <= 0 or > int.MaxValue / 2 || inputs is <= 0 or > int.MaxValue / 16 || inputs % group != 0
            || inputs % QuantizedLinearLayout.InputsMultiple != 0)
        {
            throw new NotSupportedException(
                $"N {outputs} and K {inputs} must be positive, and K a multiple of 32 and of group {group}; {Remedy}");
        }

        var (n, k, planes) = ((int)outputs, (int)inputs, (int)bits / 4);
        var blocks = (long)copies * QuantizedLinearLayout.Blocks(n);
        var times = copies == 1 ? "" : $"{copies} times ";
        Span<long> shape = stackalloc long[2];
        var codes = OrtCustomOpApi.GetConstant(info, codesInput, shape);
        if (codes is null || shape[0] != planes * blocks || shape[1] != QuantizedLinearLayout.BlockBytes(k))
        {
            throw new NotSupportedException(
                $"the codes [{shape[0]}, {shape[1]}] do not fit {times}N {n}, K {k} and bits {bits}; {Remedy}");
        }

        var halves = OrtCustomOpApi.GetConstant(info, codesInput + 1, shape);
        var plain = QuantizedLinearLayout.BlockScales(k, (int)group, minima: false);
        if (halves is null || shape[0] != blocks || (shape[1] != plain && shape[1] != 2 * plain))
        {
            throw new NotSupportedException(
                $"the scales [{shape[0]}, {shape[1]}] do not fit {times}N {n}, K {k} and group {group}; {Remedy}");
        }

        var minima = shape[1] != plain;
        var levels = ReadLevels(numbers, (int)group, planes, minima);
        var needed = QuantizedLinearLayout.VersionOf(planes, (int)group, minima, levels is not null);
        return layout == needed
            ? new QuantizedMatrix(n, k, (int)group, planes, minima, (IntPtr)codes, (IntPtr)halves, levels)
            : throw new NotSupportedException($"bits {bits}, group {group} and these scales [{shape[0]}, {shape[1]}] need layout {needed}, "
                + $"the weights have {layout}; {Remedy}");
    }

    /// <summary>The part of the outputs that a node wants: the first of them, or all.</summary>
    /// <exception cref="NotSupportedException">It wants none, or more than there are.</exception>
    public unsafe QuantizedMatrix ReadFirst(void* info)
    {
        var first = OrtCustomOpApi.GetInteger(info, "first\0"u8, Outputs);
        return first >= 1 && first <= Outputs ? this with { Outputs = (int)first }
            : throw new NotSupportedException($"first is {first}, not 1 to {Outputs} outputs; {Remedy}");
    }

    /// <summary>The table of a node's levels; null where it has none.</summary>
    private static LevelPlanes? ReadLevels(long[]? numbers, int group, int planes, bool minima)
    {
        if (numbers is null)
            return null;
        if (numbers.Length != LevelTable.Count || numbers.Any(level => level is < sbyte.MinValue or > sbyte.MaxValue))
            throw new NotSupportedException($"levels must be {LevelTable.Count} numbers from -128 to 127; {Remedy}");
        return planes == 1 && !minima && group != QuantizedLinearLayout.SmallGroup
            ? new LevelPlanes(new LevelTable([.. numbers.Select(level => (sbyte)level)]))
            : throw new NotSupportedException($"levels go with 4 bits without minima, in groups of 32 and more; {Remedy}");
    }

    /// <summary>Whether a node wants the first half of the outputs as a gate of the second, and whether that is a GELU.</summary>
    /// <exception cref="NotSupportedException">The halves are no whole blocks, or the gate is no known one.</exception>
    public unsafe (bool IsGated, bool IsGelu) ReadGate(void* info)
    {
        var gate = OrtCustomOpApi.GetInteger(info, "gated\0"u8, 0);
        if (gate is < 0 or > 2)
            throw new NotSupportedException($"gated is {gate}, not 0, 1 or 2; {Remedy}");
        return gate == 0 || Outputs % (2 * QuantizedLinearLayout.BlockOutputs) == 0
            ? (gate != 0, gate == 2)
            : throw new NotSupportedException($"a gated linear has {Outputs} outputs, no multiple of 32; {Remedy}");
    }

    /// <summary>A step over this matrix without its rows.</summary>
    public unsafe QuantizedLinearStep Step() => new()
    {
        Codes = (byte*)Codes,
        Halves = (ushort*)Halves,
        Inputs = Inputs,
        Outputs = Outputs,
        StoredOutputs = StoredOutputs,
        Group = Group,
        HasMinima = HasMinima,
        Planes = Planes,
        Levels = Levels is null ? null : Levels.Address,
    };

    /// <summary>The weights of one output.</summary>
    public unsafe void ReadRow(int output, Span<float> weights)
    {
        var (block, lane) = (output / QuantizedLinearLayout.BlockOutputs, output % QuantizedLinearLayout.BlockOutputs);
        var blockBytes = QuantizedLinearLayout.BlockBytes(Inputs);
        var codes = (byte*)Codes + (block * blockBytes);
        var low = codes + (Planes == 2 ? QuantizedLinearLayout.Blocks(StoredOutputs) * blockBytes : 0);
        var halves = (Half*)Halves + (block * (long)QuantizedLinearLayout.BlockScales(Inputs, Group, HasMinima)) + lane;
        var step = QuantizedLinearLayout.BlockOutputs * (HasMinima ? 2 : 1);
        for (var first = 0; first < Inputs; first += Group, halves += step)
        {
            var scale = (float)halves[0];
            var minimum = HasMinima ? (float)halves[QuantizedLinearLayout.BlockOutputs] : scale * (Planes == 2 ? -128 : -8);
            for (var i = first; i < first + Group; i++)
            {
                var code = Nibble(codes, i, lane);
                if (Levels is not null)
                {
                    weights[i] = Levels.Table[code] * scale;
                    continue;
                }

                weights[i] = ((Planes == 2 ? (16 * code) + Nibble(low, i, lane) : code) * scale) + minimum;
            }
        }
    }

    private static unsafe int Nibble(byte* block, int input, int lane)
    {
        var vector = block + (input / QuantizedLinearLayout.VectorInputs * QuantizedLinearLayout.VectorBytes);
        return (vector[(4 * lane) + (input % 4)] >> (input % QuantizedLinearLayout.VectorInputs / 4 * 4)) & 15;
    }
}
