using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Tests.Execution.Kernels.Linears;

/// <summary>
/// The kernel alone: against double precision, every instruction set against the scalar one, rows alone against together.
/// </summary>
public sealed class QuantizedLinearKernelTests
{
    private static readonly QuantizedLinearKernel Scalar = QuantizedLinearKernel.ScalarVariant;

    /// <summary>Outputs, inputs, group, bits, minima.</summary>
    public static TheoryData<int, int, int, int, bool> Shapes { get; } = new()
    {
        { 16, 32, 32, 4, false },
        { 24, 96, 32, 4, true },
        { 1, 64, 64, 4, true },
        { 33, 576, 64, 4, true },
        { 70, 576, 64, 4, false },
        { 48, 2048, 128, 4, true },
        { 40, 256, 128, 4, false },
        { 24, 96, 32, 8, false },
        { 33, 576, 64, 8, false },
        { 16, 2048, 128, 8, false },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Run_RandomWeightsAndRows_EqualsDoublePrecision(int outputs, int inputs, int group, int bits, bool minima)
    {
        var linear = new LinearCase(outputs, inputs, group, bits, minima, seed: inputs + bits);
        var rows = linear.RandomRows(7, seed: outputs);
        var magnitude = linear.Magnitude(rows);

        var actual = linear.Run(Scalar, rows);

        // Rounding the activations is most of the error: half a step of 127 at the most, so a 254th of each group's largest.
        AssertClose(linear.Expected(rows, rounded: true), actual, magnitude * 2e-6);
        AssertClose(linear.Expected(rows, rounded: false), actual, magnitude * 0.05);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Run_EveryInstructionSet_GivesTheBitsOfTheScalarOne(int outputs, int inputs, int group, int bits, bool minima)
    {
        var linear = new LinearCase(outputs, inputs, group, bits, minima, seed: inputs);
        for (var rows = 1; rows <= 17; rows++)
        {
            var values = linear.RandomRows(rows, seed: rows);
            var expected = linear.Run(Scalar, values);
            foreach (var kernel in QuantizedLinearKernel.Supported)
                Assert.Equal(Bits(expected), Bits(linear.Run(kernel, values)));
        }
    }

    [Theory]
    [InlineData(4, false)]
    [InlineData(8, false)]
    [InlineData(4, true)]
    [InlineData(8, true)]
    public void Run_RowsAloneOrTogether_GivesTheSameBits(int bits, bool gated)
    {
        var linear = new LinearCase(64, 576, 64, bits, minima: bits == 4, seed: 4);
        var rows = linear.RandomRows(40, seed: 5);
        var columns = gated ? 32 : 64;
        foreach (var kernel in QuantizedLinearKernel.Supported)
        {
            var alone = new List<int>();
            for (var row = 0; row < 40; row++)
                alone.AddRange(Bits(linear.Run(kernel, rows[(row * 576)..((row + 1) * 576)], gated)));
            for (var count = 1; count <= 40; count++)
                Assert.Equal(alone[..(count * columns)], Bits(linear.Run(kernel, rows[..(count * 576)], gated)));
        }
    }

    [Theory]
    [InlineData(4, true)]
    [InlineData(4, false)]
    [InlineData(8, false)]
    public void Run_Gated_IsSiluOfTheFirstHalfTimesTheSecond(int bits, bool minima)
    {
        var linear = new LinearCase(96, 256, 128, bits, minima, seed: 8);
        float[] rows = [.. linear.RandomRows(11, seed: 1).Select((x, i) => x * (i < 256 ? 1000 : 1 + (i / 256)))];
        var plain = linear.Run(Scalar, rows);
        var expected = new double[11 * 48];
        for (var i = 0; i < expected.Length; i++)
        {
            double gate = plain[(i / 48 * 96) + (i % 48)], up = plain[(i / 48 * 96) + 48 + (i % 48)];
            expected[i] = gate / (1 + Math.Exp(-gate)) * up;
        }

        foreach (var kernel in QuantizedLinearKernel.Supported)
        {
            var actual = linear.Run(kernel, rows, gated: true);
            for (var i = 0; i < actual.Length; i++)
                Assert.Equal(expected[i], actual[i], 1e-6 * (1 + Math.Abs(expected[i])));
            Assert.Equal(Bits(linear.Run(Scalar, rows, gated: true)), Bits(actual));
        }
    }

    /// <summary>All codes and all activations at their largest: a 16-bit sum that overflowed would change sign.</summary>
    [Theory]
    [InlineData(4, 15, 1f)]
    [InlineData(4, 15, -1f)]
    [InlineData(8, 255, 1f)]
    [InlineData(8, 255, -1f)]
    public void Run_ExtremeCodesAndActivations_DoNotSaturate(int bits, int code, float activation)
    {
        var linear = new LinearCase(32, 256, 128, bits, minima: false, seed: 1, code);
        var rows = Enumerable.Repeat(activation, 5 * 256).ToArray();
        var expected = linear.Expected(rows, rounded: false);
        foreach (var kernel in QuantizedLinearKernel.Supported)
            AssertClose(expected, linear.Run(kernel, rows), linear.Magnitude(rows) * 1e-6);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Run_RowThatIsNotFinite_SpoilsOnlyItself(float value)
    {
        var linear = new LinearCase(32, 192, 64, 4, minima: true, seed: 9);
        var rows = linear.RandomRows(6, seed: 2);
        var spoilt = rows.ToArray();
        spoilt[(2 * 192) + 100] = value;
        foreach (var kernel in QuantizedLinearKernel.Supported)
        {
            var expected = linear.Run(kernel, rows);
            var actual = linear.Run(kernel, spoilt);
            for (var i = 0; i < actual.Length; i++)
            {
                if (i / 32 == 2)
                    Assert.True(float.IsNaN(actual[i]), $"[{i}] is {actual[i]}");
                else
                    Assert.Equal(expected[i], actual[i]);
            }
        }
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-38f)]
    [InlineData(1e-45f)]
    [InlineData(1e37f)]
    public void Run_RowsOfExtremeMagnitude_AreFinite(float magnitude)
    {
        var linear = new LinearCase(16, 64, 32, 4, minima: false, seed: 9);
        float[] rows = [.. linear.RandomRows(3, seed: 2).Select(x => x * magnitude)];
        var expected = linear.Expected(rows, rounded: false);
        foreach (var kernel in QuantizedLinearKernel.Supported)
            AssertClose(expected, linear.Run(kernel, rows), (linear.Magnitude(rows) * 0.05) + 1e-30);
    }

    private static int[] Bits(float[] values) => [.. values.Select(BitConverter.SingleToInt32Bits)];

    private static void AssertClose(double[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance, $"[{i}] is {actual[i]}, not {expected[i]} ± {tolerance}");
    }
}
