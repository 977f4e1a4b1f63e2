using System.Runtime.InteropServices;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution.Kernels.Linears;

/// <summary>
/// A random matrix in the package's layout, rows to multiply with it, and plain double-precision answers. Scratch and output start full
/// of bytes that are NaN as floats.
/// </summary>
internal sealed unsafe class LinearCase
{
    private readonly double[] _weights;

    /// <param name="outputs">Rows of the matrix.</param>
    /// <param name="inputs">Its columns.</param>
    /// <param name="group">Inputs per scale.</param>
    /// <param name="bits">4 or 8.</param>
    /// <param name="minima">Whether groups have minima.</param>
    /// <param name="seed">Of everything.</param>
    /// <param name="code">A code that all weights have, instead of random ones.</param>
    /// <param name="levels">What the codes stand for; null where they are numbers.</param>
    public LinearCase(int outputs, int inputs, int group, int bits, bool minima, int seed, int? code = null, LevelTable? levels = null)
    {
        (Outputs, Inputs, Group, Bits, Minima, Levels) = (outputs, inputs, group, bits, minima, levels);
        var random = new Random(seed);
        var (planes, blocks) = (bits / 4, QuantizedLinearLayout.Blocks(outputs));
        var (blockBytes, blockHalves) = ((int)QuantizedLinearLayout.BlockBytes(inputs),
            QuantizedLinearLayout.BlockScales(inputs, group, minima));
        Codes = new byte[QuantizedLinearLayout.CodeBytes(outputs, inputs, planes)];
        Halves = new Half[blocks * blockHalves];
        _weights = new double[outputs * inputs];
        var nibbles = new byte[inputs];
        for (var n = 0; n < outputs; n++)
        {
            var codes = new int[inputs];
            for (var k = 0; k < inputs; k++)
                codes[k] = code ?? random.Next(1 << bits);
            for (var plane = 0; plane < planes; plane++)
            {
                var shift = bits - 4 - (4 * plane);
                for (var k = 0; k < inputs; k++)
                    nibbles[k] = (byte)((codes[k] >> shift) & 15);
                QuantizedLinearLayout.Pack(nibbles, n % 16, Codes.AsSpan(((plane * blocks) + (n / 16)) * blockBytes, blockBytes));
            }

            for (var g = 0; g < inputs / group; g++)
            {
                // Some scales are negative, zero or below the normal halves.
                var scale = (Half)(random.Next(8) switch { 0 => -0.003f, 1 => 0, 2 => 3e-6f, _ => 0.01f * random.NextSingle() });
                var minimum = (Half)((0.1f * random.NextSingle()) - 0.08f);
                var position = (n / 16 * blockHalves) + (g * 16 * (minima ? 2 : 1)) + (n % 16);
                Halves[position] = scale;
                if (minima)
                    Halves[position + 16] = minimum;
                for (var k = g * group; k < (g + 1) * group; k++)
                {
                    var middle = bits == 8 ? 128 : 8;
                    _weights[(n * inputs) + k] = levels is not null ? (double)scale * levels[codes[k]]
                        : minima ? ((double)scale * codes[k]) + (double)minimum : (double)scale * (codes[k] - middle);
                }
            }
        }
    }

    private LinearCase(LinearCase source, byte[] codes)
    {
        (Outputs, Inputs, Group, Bits, Minima) = (source.Outputs, source.Inputs, source.Group, 8, source.Minima);
        (Codes, Halves, _weights) = (codes, source.Halves, source._weights);
    }

    /// <summary>A random matrix whose codes are numbers, or stand for the levels of a table by its name.</summary>
    public static LinearCase Create(int outputs, int inputs, int group, int bits, bool minima, string? levels, int seed) =>
        new(outputs, inputs, group, bits, minima, seed, levels: levels switch
        {
            "iq4" => LevelTable.Iq4,
            "fp4" => LevelTable.Fp4,
            // The ends of what a table holds, in no order.
            "ends" => new LevelTable(-128, 127, 0, -1, 1, 126, -127, 64, -64, 3, -3, 100, -100, 15, 16, -16),
            _ => null,
        });

    public int Outputs { get; }

    public int Inputs { get; }

    public int Group { get; }

    public int Bits { get; }

    public bool Minima { get; }

    public LevelTable? Levels { get; }

    /// <summary>The version of the layout that this matrix needs.</summary>
    public int Layout => QuantizedLinearLayout.VersionOf(Bits / 4, Group, Minima, Levels is not null);

    /// <summary>The same weights with the codes of a table spelled out in 8 bits.</summary>
    public LinearCase ToBytes()
    {
        var nibbles = new byte[Inputs];
        var (blocks, blockBytes) = (QuantizedLinearLayout.Blocks(Outputs), (int)QuantizedLinearLayout.BlockBytes(Inputs));
        var bytes = new LinearCase(this, new byte[2 * Codes.Length]);
        for (var n = 0; n < Outputs; n++)
        {
            QuantizedLinearLayout.Unpack(Codes.AsSpan(n / 16 * blockBytes, blockBytes), n % 16, nibbles);
            byte[] codes = [.. nibbles.Select(code => (byte)(Levels![code] + 128))];
            for (var plane = 0; plane < 2; plane++)
            {
                QuantizedLinearLayout.Pack(
                    [.. codes.Select(code => (byte)(plane == 0 ? code >> 4 : code & 15))], n % 16,
                    bytes.Codes.AsSpan(((plane * blocks) + (n / 16)) * blockBytes, blockBytes));
            }
        }

        return bytes;
    }

    public byte[] Codes { get; }

    public Half[] Halves { get; }

    /// <summary>The weights of one output.</summary>
    public double[] Weights(int output) => _weights[(output * Inputs)..((output + 1) * Inputs)];

    public float[] RandomRows(int rows, int seed)
    {
        var random = new Random(seed);
        var values = new float[rows * Inputs];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(random.NextDouble() - 0.5) * (random.Next(40) == 0 ? 20 : 1);
        return values;
    }

    /// <summary>The kernel's answer [rows, outputs], or half as many columns where gated.</summary>
    public float[] Run(QuantizedLinearKernel kernel, float[] rows, bool gated = false, bool gelu = false) =>
        Run(rows, gated, argument =>
        {
            var step = (QuantizedLinearStep*)argument;
            step->Gelu = gelu;
            kernel.Run(step);
        });

    /// <summary>The kernel's answer for the norm of residual and update together, and their sum [rows, inputs].</summary>
    public (float[] Output, float[] Sum) RunNormalized(
        QuantizedLinearKernel kernel, float[] residual, float[]? update, float[] weight, float epsilon, bool gated = false)
    {
        var sum = new float[residual.Length];
        MemoryMarshal.AsBytes(sum.AsSpan()).Fill(0xFF);
        var output = Run(residual, gated, argument =>
        {
            var step = (QuantizedLinearStep*)argument;
            fixed (float* normWeight = weight, added = update, total = sum)
            {
                step->NormWeight = normWeight;
                step->Epsilon = epsilon;
                step->Update = added;
                step->Sum = added is null ? null : total;
                kernel.Run(step);
            }
        });
        return (output, sum);
    }

    /// <summary>A head's answer [rows, outputs] of which so many of the best count in each row.</summary>
    public float[] RunHead(QuantizedLinearKernel kernel, float[] rows, int[] counts, out int exactBlocks)
    {
        var exact = 0;
        var output = Run(rows, gated: false, step =>
        {
            var head = new QuantizedHeadStep { Linear = *(QuantizedLinearStep*)step };
            var candidates = new HeadCandidates(Matrix(head.Linear), kernel.TileRows);
            QuantizedHeadNode.Run(context: null, &head, counts, candidates, kernel);
            exact = candidates.ExactBlocks;
        });
        exactBlocks = exact;
        return output;
    }

    private QuantizedMatrix Matrix(QuantizedLinearStep step) =>
        new(Outputs, Inputs, Group, Bits / 4, Minima, (IntPtr)step.Codes, (IntPtr)step.Halves);

    /// <summary>What a run of a step with these rows leaves; the step is handed on as a pointer.</summary>
    public float[] Run(float[] rows, bool gated, Action<IntPtr> run)
    {
        var count = rows.Length / Inputs;
        var output = new float[count * Outputs / (gated ? 2 : 1)];
        var activations = new sbyte[rows.Length];
        var parameters = new float[count * (Inputs / Group) * 2];
        new Span<sbyte>(activations).Fill(-1);
        MemoryMarshal.AsBytes(parameters.AsSpan()).Fill(0xFF);
        MemoryMarshal.AsBytes(output.AsSpan()).Fill(0xFF);
        fixed (byte* codes = Codes)
        fixed (Half* halves = Halves)
        fixed (float* input = rows, result = output, parameterSpace = parameters)
        fixed (sbyte* activationSpace = activations)
        {
            var planes = Levels is null ? null : new LevelPlanes(Levels);
            var step = new QuantizedLinearStep
            {
                Codes = codes,
                Halves = (ushort*)halves,
                Input = input,
                Output = result,
                Rows = count,
                Inputs = Inputs,
                Outputs = Outputs,
                Group = Group,
                HasMinima = Minima,
                Planes = Bits / 4,
                Levels = planes is null ? null : planes.Address,
                Gated = gated,
                Activations = activationSpace,
                Parameters = parameterSpace,
            };
            run((IntPtr)(&step));
            GC.KeepAlive(planes);
        }

        return output;
    }

    /// <summary>The answer in double precision, with activations as they are or rounded to 8 bits per group.</summary>
    public double[] Expected(float[] rows, bool rounded)
    {
        var count = rows.Length / Inputs;
        var expected = new double[count * Outputs];
        for (var row = 0; row < count; row++)
        {
            var activations = rows.AsSpan(row * Inputs, Inputs).ToArray().Select(x => (double)x).ToArray();
            for (var g = 0; rounded && g < Inputs / Group; g++)
            {
                var range = activations.AsSpan(g * Group, Group);
                var largest = 0.0;
                foreach (var x in range)
                    largest = Math.Max(largest, Math.Abs(x));
                // The kernel rounds x · (127 / largest) in floats: near a tie a product in double could fall to the other side.
                var inverse = 127 / (float)largest;
                for (var k = 0; k < range.Length; k++)
                    range[k] = largest == 0 ? 0 : MathF.Round((float)range[k] * inverse) * largest / 127;
            }

            for (var n = 0; n < Outputs; n++)
            {
                for (var k = 0; k < Inputs; k++)
                    expected[(row * Outputs) + n] += activations[k] * _weights[(n * Inputs) + k];
            }
        }

        return expected;
    }

    /// <summary>Largest sum of magnitudes over an output's products: what rounding is relative to.</summary>
    public double Magnitude(float[] rows)
    {
        var worst = 0.0;
        for (var row = 0; row < rows.Length / Inputs; row++)
        {
            for (var n = 0; n < Outputs; n++)
            {
                var sum = 0.0;
                for (var k = 0; k < Inputs; k++)
                    sum += Math.Abs(rows[(row * Inputs) + k] * _weights[(n * Inputs) + k]);
                worst = Math.Max(worst, sum);
            }
        }

        return worst;
    }
}
