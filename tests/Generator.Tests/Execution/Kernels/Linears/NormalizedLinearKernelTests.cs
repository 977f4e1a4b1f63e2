using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Tests.Execution.Kernels.Linears;

/// <summary>The norm in front of a linear: its own numbers, then that the linear gets just these.</summary>
public sealed unsafe class NormalizedLinearKernelTests
{
    private const float Epsilon = 1e-5f;

    private static readonly QuantizedLinearKernel Scalar = QuantizedLinearKernel.ScalarVariant;

    /// <summary>Outputs, inputs, group, bits, gated.</summary>
    public static TheoryData<int, int, int, int, bool> Shapes { get; } = new()
    {
        { 24, 96, 32, 4, false },
        { 64, 576, 64, 4, true },
        { 33, 576, 64, 8, false },
        { 32, 2048, 128, 8, true },
        { 33, 288, 16, 8, false },
        { 32, 96, 16, 4, true },
    };

    [Theory]
    [InlineData(32)]
    [InlineData(576)]
    [InlineData(2048)]
    [InlineData(8192)]
    public void Norm_RandomRows_EqualsDoublePrecision(int count)
    {
        foreach (var magnitude in new[] { 1e-4f, 1, 1e4f })
        {
            float[] residual = Values(count, seed: count, magnitude), update = Values(count, seed: count + 1, magnitude);
            var weight = Values(count, seed: 3, 1);
            var (sum, actual) = Normalize(residual, update, weight);

            var squares = 0.0;
            for (var i = 0; i < count; i++)
            {
                Assert.Equal(residual[i] + update[i], sum[i]);
                squares += (double)sum[i] * sum[i];
            }

            var root = Math.Sqrt((squares / count) + Epsilon);
            for (var i = 0; i < count; i++)
            {
                var expected = sum[i] / root * weight[i];
                Assert.InRange(actual[i], expected - (4e-7 * Math.Abs(expected)), expected + (4e-7 * Math.Abs(expected)));
            }
        }
    }

    /// <summary>The order of the sum, spelt out a float at a time: what every vector width has to give.</summary>
    [Theory]
    [InlineData(32)]
    [InlineData(96)]
    [InlineData(2048)]
    public void Norm_AnyProcessor_SumsInTheSameOrder(int count)
    {
        float[] residual = Values(count, seed: 1, 3), update = Values(count, seed: 2, 3), weight = Values(count, seed: 3, 1);
        var lanes = new float[32];
        for (var i = 0; i < count; i++)
        {
            var value = residual[i] + update[i];
            lanes[i % 32] = MathF.FusedMultiplyAdd(value, value, lanes[i % 32]);
        }

        for (var width = 16; width >= 4; width /= 2)
        {
            for (var lane = 0; lane < width; lane++)
                lanes[lane] += lanes[lane + width];
        }

        var factor = 1 / MathF.Sqrt(((lanes[0] + lanes[2] + (lanes[1] + lanes[3])) / count) + Epsilon);
        int[] expected = [.. residual.Zip(update, weight).Select(x => Bits((x.First + x.Second) * factor * x.Third))];

        Assert.Equal(expected, Normalize(residual, update, weight).Normalized.Select(Bits));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Run_EveryInstructionSet_GivesTheBitsOfTheNormThenTheLinear(int outputs, int inputs, int group, int bits, bool gated)
    {
        var linear = new LinearCase(outputs, inputs, group, bits, minima: bits == 4, seed: inputs);
        var weight = Values(inputs, seed: 7, 1);
        for (var rows = 1; rows <= 17; rows++)
        {
            float[] residual = linear.RandomRows(rows, seed: rows), update = linear.RandomRows(rows, seed: -rows);
            var (sum, normalized) = Normalize(residual, update, weight);
            var expected = linear.Run(Scalar, normalized, gated).Select(Bits).ToArray();
            foreach (var kernel in QuantizedLinearKernel.Supported)
            {
                var actual = linear.RunNormalized(kernel, residual, update, weight, Epsilon, gated);
                Assert.Equal(expected, actual.Output.Select(Bits));
                Assert.Equal(sum, actual.Sum);
                Assert.Equal(expected, linear.RunNormalized(kernel, sum, null, weight, Epsilon, gated).Output.Select(Bits));
            }
        }
    }

    [Fact]
    public void Run_RowsAloneOrTogether_GivesTheSameBits()
    {
        var linear = new LinearCase(48, 576, 64, 4, minima: true, seed: 4);
        float[] residual = linear.RandomRows(40, seed: 5), update = linear.RandomRows(40, seed: 6), weight = Values(576, seed: 7, 1);
        foreach (var kernel in QuantizedLinearKernel.Supported)
        {
            var alone = new List<int>();
            for (var row = 0; row < 40; row++)
            {
                var range = (row * 576)..((row + 1) * 576);
                alone.AddRange(linear.RunNormalized(kernel, residual[range], update[range], weight, Epsilon).Output.Select(Bits));
            }

            for (var count = 1; count <= 40; count++)
            {
                var (output, _) = linear.RunNormalized(kernel, residual[..(count * 576)], update[..(count * 576)], weight, Epsilon);
                Assert.Equal(alone[..(count * 48)], output.Select(Bits));
            }
        }
    }

    /// <summary>1e20: a number, but its square is none, and dividing by infinity would make a silent 0 of the row.</summary>
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(1e20f)]
    public void Run_RowThatHasNoNorm_SpoilsOnlyItself(float value)
    {
        var linear = new LinearCase(32, 192, 64, 4, minima: true, seed: 9);
        float[] residual = linear.RandomRows(6, seed: 2), update = linear.RandomRows(6, seed: 3), weight = Values(192, seed: 7, 1);
        var spoilt = update.ToArray();
        spoilt[(2 * 192) + 100] = value;
        foreach (var kernel in QuantizedLinearKernel.Supported)
        {
            var (expected, _) = linear.RunNormalized(kernel, residual, update, weight, Epsilon);
            var (actual, sum) = linear.RunNormalized(kernel, residual, spoilt, weight, Epsilon);
            Assert.Equal(residual[(2 * 192) + 100] + value, sum[(2 * 192) + 100]);
            for (var i = 0; i < actual.Length; i++)
            {
                if (i / 32 == 2)
                    Assert.True(float.IsNaN(actual[i]), $"[{i}] is {actual[i]}");
                else
                    Assert.Equal(expected[i], actual[i]);
            }
        }
    }

    [Fact]
    public void Run_UpdateThatCancelsTheStream_GivesZero()
    {
        var linear = new LinearCase(32, 96, 32, 8, minima: false, seed: 9);
        var residual = linear.RandomRows(5, seed: 2);
        var (output, sum) = linear.RunNormalized(
            QuantizedLinearKernel.Best, residual, [.. residual.Select(x => -x)], Values(96, seed: 7, 1), Epsilon);

        Assert.All(sum, value => Assert.Equal(0, value));
        Assert.All(output, value => Assert.Equal(0, value));
    }

    private static int Bits(float value) => BitConverter.SingleToInt32Bits(value);

    private static float[] Values(int count, int seed, float magnitude)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2) - 1) * magnitude)];
    }

    private static (float[] Sum, float[] Normalized) Normalize(float[] residual, float[] update, float[] weight)
    {
        float[] sum = new float[residual.Length], normalized = new float[residual.Length];
        fixed (float* stream = residual, added = update, total = sum, result = normalized, factors = weight)
        {
            for (var first = 0; first < residual.Length; first += weight.Length)
            {
                var factor = RootMeanSquareNorm.Measure(stream + first, added + first, total + first, weight.Length, Epsilon);
                RootMeanSquareNorm.Apply(total + first, factors, factor, result + first, weight.Length);
            }
        }

        return (sum, normalized);
    }
}
