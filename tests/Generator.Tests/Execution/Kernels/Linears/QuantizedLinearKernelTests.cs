using Parley.Generator.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution.Kernels.Linears;

/// <summary>
/// The kernel alone: against double precision, every instruction set against the scalar one, rows alone against together.
/// </summary>
public sealed class QuantizedLinearKernelTests
{
    private static readonly QuantizedLinearKernel Scalar = QuantizedLinearKernel.ScalarVariant;

    /// <summary>Outputs, inputs, group, bits, minima, table of levels.</summary>
    public static TheoryData<int, int, int, int, bool, string?> Shapes { get; } = new()
    {
        { 16, 32, 32, 4, false, null },
        { 24, 96, 32, 4, true, null },
        { 1, 64, 64, 4, true, null },
        { 33, 576, 64, 4, true, null },
        { 70, 576, 64, 4, false, null },
        { 48, 2048, 128, 4, true, null },
        { 40, 256, 128, 4, false, null },
        { 24, 96, 32, 8, false, null },
        { 33, 576, 64, 8, false, null },
        { 16, 2048, 128, 8, false, null },
        { 33, 288, 32, 8, true, null },
        { 16, 256, 128, 8, true, null },
        { 24, 96, 16, 4, true, null },
        { 33, 576, 16, 4, false, null },
        { 40, 256, 16, 8, false, null },
        { 17, 96, 16, 8, true, null },
        { 16, 32, 32, 4, false, "iq4" },
        { 33, 576, 32, 4, false, "iq4" },
        { 40, 256, 64, 4, false, "fp4" },
        { 70, 288, 32, 4, false, "fp4" },
        { 48, 2048, 128, 4, false, "ends" },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Run_RandomWeightsAndRows_EqualsDoublePrecision(
        int outputs, int inputs, int group, int bits, bool minima, string? levels)
    {
        var linear = LinearCase.Create(outputs, inputs, group, bits, minima, levels, seed: inputs + bits);
        var rows = linear.RandomRows(7, seed: outputs);
        var magnitude = linear.Magnitude(rows);

        var actual = linear.Run(Scalar, rows);

        // Rounding the activations is most of the error: half a step of 127 at the most, so a 254th of each group's largest.
        AssertClose(linear.Expected(rows, rounded: true), actual, magnitude * 2e-6);
        AssertClose(linear.Expected(rows, rounded: false), actual, magnitude * 0.05);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Run_EveryInstructionSet_GivesTheBitsOfTheScalarOne(
        int outputs, int inputs, int group, int bits, bool minima, string? levels)
    {
        var linear = LinearCase.Create(outputs, inputs, group, bits, minima, levels, seed: inputs);
        for (var rows = 1; rows <= 17; rows++)
        {
            var values = linear.RandomRows(rows, seed: rows);
            var expected = linear.Run(Scalar, values);
            foreach (var kernel in QuantizedLinearKernel.Supported)
                Assert.Equal(Bits(expected), Bits(linear.Run(kernel, values)));
        }
    }

    [Theory]
    [InlineData(4, 64, true, null, false)]
    [InlineData(8, 64, false, null, false)]
    [InlineData(4, 64, true, null, true)]
    [InlineData(8, 64, false, null, true)]
    [InlineData(8, 32, true, null, false)]
    [InlineData(8, 16, false, null, true)]
    [InlineData(4, 16, true, null, false)]
    [InlineData(4, 32, false, "iq4", false)]
    [InlineData(4, 32, false, "fp4", true)]
    public void Run_RowsAloneOrTogether_GivesTheSameBits(int bits, int group, bool minima, string? levels, bool gated)
    {
        var linear = LinearCase.Create(64, 576, group, bits, minima, levels, seed: 4);
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
    [InlineData(4, 128, true, null)]
    [InlineData(4, 128, false, null)]
    [InlineData(8, 128, false, null)]
    [InlineData(8, 32, true, null)]
    [InlineData(8, 16, false, null)]
    [InlineData(4, 16, true, null)]
    [InlineData(4, 32, false, "iq4")]
    public void Run_Gated_IsSiluOfTheFirstHalfTimesTheSecond(int bits, int group, bool minima, string? levels)
    {
        var linear = LinearCase.Create(96, 256, group, bits, minima, levels, seed: 8);
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

    [Theory]
    [InlineData(4, 32)]
    [InlineData(8, 32)]
    public void Run_GatedByGelu_IsItsTanhApproximationTimesTheSecondHalf(int bits, int group)
    {
        var linear = LinearCase.Create(96, 256, group, bits, minima: false, null, seed: 8);
        float[] rows = [.. linear.RandomRows(11, seed: 1).Select((x, i) => x * (i < 256 ? 1000 : 1 + (i / 256)))];
        var plain = linear.Run(Scalar, rows);
        foreach (var kernel in QuantizedLinearKernel.Supported)
        {
            var actual = linear.Run(kernel, rows, gated: true, gelu: true);
            for (var i = 0; i < actual.Length; i++)
            {
                double gate = plain[(i / 48 * 96) + (i % 48)], up = plain[(i / 48 * 96) + 48 + (i % 48)];
                var expected = 0.5 * gate * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (gate + (0.044715 * gate * gate * gate)))) * up;
                Assert.Equal(expected, actual[i], 1e-6 * (1 + Math.Abs(gate * up)));
            }

            Assert.Equal(Bits(linear.Run(Scalar, rows, gated: true, gelu: true)), Bits(actual));
        }
    }

    /// <summary>Levels are computed as the weights of 8 bits that they are: a table takes half the room and changes no bit.</summary>
    [Theory]
    [InlineData("iq4", 32, false)]
    [InlineData("fp4", 32, true)]
    [InlineData("ends", 64, false)]
    public void Run_Levels_GivesTheBitsOfTheSameWeightsInEightBits(string levels, int group, bool gated)
    {
        var linear = LinearCase.Create(96, 576, group, bits: 4, minima: false, levels, seed: 6);
        var bytes = linear.ToBytes();
        for (var rows = 1; rows <= 13; rows++)
        {
            var values = linear.RandomRows(rows, seed: rows);
            var expected = Bits(bytes.Run(Scalar, values, gated));
            foreach (var kernel in QuantizedLinearKernel.Supported)
                Assert.Equal(expected, Bits(linear.Run(kernel, values, gated)));
        }
    }

    /// <summary>All codes and all activations at their largest: a 16-bit sum that overflowed would change sign.</summary>
    [Theory]
    [InlineData(4, 128, 15, 1f, false)]
    [InlineData(4, 128, 15, -1f, false)]
    [InlineData(8, 128, 255, 1f, false)]
    [InlineData(8, 128, 255, -1f, false)]
    [InlineData(8, 16, 255, -1f, false)]
    [InlineData(4, 128, 0, 1f, true)]
    [InlineData(4, 128, 15, -1f, true)]
    public void Run_ExtremeCodesAndActivations_DoNotSaturate(int bits, int group, int code, float activation, bool hasLevels)
    {
        var levels = hasLevels ? new LevelTable(-128, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 127) : null;
        var linear = new LinearCase(32, 256, group, bits, minima: false, seed: 1, code, levels);
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
