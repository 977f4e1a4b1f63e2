using Parley.Generator.Execution.Kernels.Adapters;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.Generator.Tests.Execution.Kernels.Linears;

namespace Parley.Generator.Tests.Execution.Kernels.Adapters;

/// <summary>What adapters add in the quantised linears: right, and the same bits alone, in company and on every instruction set.</summary>
public sealed class AdapterKernelTests
{
    private static readonly QuantizedLinearKernel Scalar = QuantizedLinearKernel.ScalarVariant;

    /// <summary>Outputs, inputs, group, bits, minima, table of levels.</summary>
    public static TheoryData<int, int, int, int, bool, string?> Shapes { get; } = new()
    {
        { 33, 576, 64, 4, true, null },
        { 64, 96, 32, 4, false, null },
        { 7, 160, 32, 4, true, null },
        { 48, 2048, 128, 4, true, null },
        { 33, 576, 64, 8, false, null },
        { 40, 288, 32, 8, true, null },
        { 70, 96, 16, 4, true, null },
        { 70, 288, 32, 4, false, "iq4" },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Run_RowsWithAdapters_AddTheLowRankProduct(int outputs, int inputs, int group, int bits, bool minima, string? levels)
    {
        var linear = LinearCase.Create(outputs, inputs, group, bits, minima, levels, seed: inputs + bits);
        using var adapters = Mixed(linear);
        int[] of = [0, -1, 2, 1, 1, -1, 3, 0, 2];
        var rows = linear.RandomRows(of.Length, seed: outputs);
        var (plain, added) = (linear.Run(Scalar, rows), adapters.Added(rows, of));

        var actual = adapters.Run(Scalar, rows, of);

        for (var i = 0; i < actual.Length; i++)
        {
            if (of[i / outputs] < 0)
                Assert.Equal(BitConverter.SingleToInt32Bits(plain[i]), BitConverter.SingleToInt32Bits(actual[i]));
            else
                Assert.Equal(plain[i] + added[i], actual[i], 2e-5 * (1 + Math.Abs(plain[i])));
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Run_EveryInstructionSetAloneAndTogether_GivesTheSameBits(
        int outputs, int inputs, int group, int bits, bool minima, string? levels)
    {
        var linear = LinearCase.Create(outputs, inputs, group, bits, minima, levels, seed: inputs);
        using var adapters = Mixed(linear);
        var norm = linear.RandomRows(1, seed: 9);
        int[] of = [.. Enumerable.Range(0, 21).Select(i => ((i * 7) % 5) - 1)];
        var rows = linear.RandomRows(of.Length, seed: 3);
        foreach (var weight in new[] { null, norm })
        {
            var alone = new List<int>();
            for (var row = 0; row < of.Length; row++)
                alone.AddRange(Bits(adapters.Run(Scalar, rows[(row * inputs)..((row + 1) * inputs)], [of[row]], norm: weight)));
            foreach (var kernel in QuantizedLinearKernel.Supported)
            {
                for (var count = 1; count <= of.Length; count += 4)
                {
                    var actual = adapters.Run(kernel, rows[..(count * inputs)], of[..count], norm: weight);
                    Assert.Equal(alone[..(count * outputs)], Bits(actual));
                }
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(33)]
    [InlineData(64)]
    public void Run_AnyRank_EqualsDoublePrecision(int rank)
    {
        var linear = new LinearCase(48, 576, 64, 4, minima: true, seed: rank);
        using var adapters = new AdapterCase(linear).Add(isNarrow: false, (0, 48, rank)).Add(isNarrow: true, (3, 29, rank));
        int[] of = [0, 1, -1];
        var rows = linear.RandomRows(3, seed: rank);
        var (plain, added) = (linear.Run(Scalar, rows), adapters.Added(rows, of));

        var actual = adapters.Run(Scalar, rows, of);

        for (var i = 0; i < actual.Length; i++)
            Assert.Equal(plain[i] + added[i], actual[i], 1e-6 * rank * (10 + Math.Abs(plain[i])));
    }

    /// <summary>What an adapter adds to gate and up is there before the gate, and so is what it adds to one of them alone.</summary>
    [Theory]
    [InlineData(4, 64, true)]
    [InlineData(8, 64, false)]
    [InlineData(4, 16, true)]
    public void Run_Gated_AddsBeforeTheGate(int bits, int group, bool minima)
    {
        var linear = new LinearCase(96, 256, group, bits, minima, seed: 8);
        using var adapters = new AdapterCase(linear)
            .Add(isNarrow: false, (0, 48, 8), (48, 48, 4)).Add(isNarrow: true, (48, 48, 16)).Add(isNarrow: false, (5, 20, 2));
        int[] of = [0, 1, 2, -1, 2, 0];
        var rows = linear.RandomRows(of.Length, seed: 1);
        var plain = adapters.Run(Scalar, rows, of);
        foreach (var kernel in QuantizedLinearKernel.Supported)
        {
            var actual = adapters.Run(kernel, rows, of, gated: true);
            for (var i = 0; i < actual.Length; i++)
            {
                double gate = plain[(i / 48 * 96) + (i % 48)], up = plain[(i / 48 * 96) + 48 + (i % 48)];
                var expected = gate / (1 + Math.Exp(-gate)) * up;
                Assert.Equal(expected, actual[i], 1e-6 * (1 + Math.Abs(expected)));
            }

            Assert.Equal(Bits(adapters.Run(Scalar, rows, of, gated: true)), Bits(actual));
        }
    }

    /// <summary>The adapter's A meets the row behind the norm, as the linear does.</summary>
    [Fact]
    public void Run_WithANorm_AddsTheProductOfTheNormalizedRow()
    {
        var linear = new LinearCase(40, 576, 64, 4, minima: true, seed: 2);
        using var adapters = new AdapterCase(linear).Add(isNarrow: false, (0, 40, 8));
        var weight = linear.RandomRows(1, seed: 4);
        var rows = linear.RandomRows(3, seed: 5);
        var normalized = new float[rows.Length];
        for (var row = 0; row < 3; row++)
        {
            var squares = rows.Skip(row * 576).Take(576).Sum(x => (double)x * x);
            for (var i = row * 576; i < (row + 1) * 576; i++)
                normalized[i] = (float)(rows[i] / Math.Sqrt((squares / 576) + AdapterCase.Epsilon) * weight[i % 576]);
        }

        var plain = adapters.Run(Scalar, rows, [-1, -1, -1], norm: weight);
        var added = adapters.Added(normalized, [0, -1, 0]);
        var actual = adapters.Run(Scalar, rows, [0, -1, 0], norm: weight);

        for (var i = 0; i < actual.Length; i++)
            Assert.Equal(plain[i] + added[i], actual[i], 1e-4 * (1 + Math.Abs(added[i])));
        Assert.Contains(added, x => Math.Abs(x) > 0.1);
    }

    [Fact]
    public void TryBegin_RowsThatAreNotTheTokens_IsRefusedByName()
    {
        var linears = new AdaptedLinears(8);
        var linear = linears.Add("odd", 32, 16);
        using var weights = Weights(linears, linear);
        linears.Set([weights], [0, 3]);

        var exception = Assert.Throws<InvalidDataException>(() => linears.TryBegin(linear, 2, out _));

        Assert.Contains("odd has 2 rows, the step 3 tokens", exception.Message, StringComparison.Ordinal);
        linears.Set([null], [0, 3]);
        Assert.False(linears.TryBegin(linear, 2, out _));
    }

    [Fact]
    public void Find_ANameThatTwoHave_IsNone()
    {
        var linears = new AdaptedLinears(8);
        linears.Add("twice", 32, 16);
        linears.Add("once", 32, 16);
        linears.Add("twice", 32, 16);
        linears.Add("twice", 32, 16);
        linears.Add("", 32, 16);

        Assert.Equal(1, linears.Find("once")!.Index);
        Assert.Null(linears.Find("twice"));
        Assert.Null(linears.Find(""));
    }

    private static AdapterWeights Weights(AdaptedLinears linears, AdaptedLinear linear)
    {
        var layout = new AdapterLayout(linear, [new PackageFormat.AdapterPart(0, 16, 1, 0, 0)], isNarrow: false);
        var weights = new AdapterWeights(linears.All.Count, layout.Bytes);
        layout.Begin(weights);
        return weights;
    }

    /// <summary>All outputs; parts that share blocks; one part in the middle, narrow; nothing at all.</summary>
    private static AdapterCase Mixed(LinearCase linear)
    {
        var n = linear.Outputs;
        var adapters = new AdapterCase(linear).Add(isNarrow: false, (0, n, 16)).Add(isNarrow: true, (n / 2, n / 3, 7));
        return n < 33 ? adapters.Add(isNarrow: false, (n - 1, 1, 1)).Add(isNarrow: true)
            : adapters.Add(isNarrow: false, (0, 9, 3), (9, 1, 1), (11, 20, 6)).Add(isNarrow: true);
    }

    private static int[] Bits(float[] values) => [.. values.Select(BitConverter.SingleToInt32Bits)];
}
