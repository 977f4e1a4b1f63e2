using Parley.ModelImporter.Quantization;

namespace Parley.ModelImporter.Tests.Quantization;

public sealed class ZeroPointQuantizerTests
{
    private const int Block = 32;

    [Fact]
    public void Quantize_RandomWeights_LosesLessThanASymmetricGrid()
    {
        var random = new Random(3);
        float[] row = [.. Enumerable.Range(0, 4096).Select(_ => (float)((random.NextDouble() + random.NextDouble() - 0.8) * 0.1))];

        var error = SquaredError(row, RoundTrip(row));

        var symmetric = 0.0;
        for (var b = 0; b < row.Length; b += Block)
        {
            var scale = row.AsSpan(b, Block).ToArray().Max(MathF.Abs) / 7;
            symmetric += row.Skip(b).Take(Block).Sum(weight => Math.Pow(weight - (MathF.Round(weight / scale) * scale), 2));
        }

        Assert.InRange(error / symmetric, 0.1, 0.8);
    }

    [Theory]
    [InlineData(1f, 2f)]
    [InlineData(-2f, -1f)]
    [InlineData(0f, 0f)]
    [InlineData(1e-44f, 1e-43f)]
    [InlineData(-1e37f, 1e37f)]
    public void Quantize_OneSidedTinyAndHugeBlocks_StayFiniteAndClose(float low, float high)
    {
        float[] row = [.. Enumerable.Range(0, Block).Select(i => low + ((high - low) * (i / (Block - 1f))))];
        var largest = Math.Max(Math.Abs(low), Math.Abs(high));

        var back = RoundTrip(row);

        Assert.All(back, weight => Assert.True(float.IsFinite(weight)));
        for (var i = 0; i < row.Length; i++)
            Assert.InRange(Math.Abs(back[i] - row[i]), 0, largest < 1e-30f ? largest : (0.1f * largest) + 1e-30f);
    }

    [Fact]
    public void Quantize_PacksTheEvenBlockAndTheEvenWeightLow()
    {
        // Block 0: levels 0 and 15 of a zero point 0; block 1: of a zero point 15.
        float[] row = [.. Enumerable.Range(0, 2 * Block).Select(i => i < Block ? (i % 2 * 15f) : (i % 2 * -15f))];
        var (codes, scales, zeroPoints) = (new byte[Block], new float[2], new byte[1]);

        ZeroPointQuantizer.Quantize(row, Block, codes, scales, zeroPoints, value => value);

        Assert.Equal(0xF0, zeroPoints[0]);
        Assert.All(codes[..16], code => Assert.Equal(0xF0, code));
        Assert.All(codes[16..], code => Assert.Equal(0x0F, code));
    }

    private static float[] RoundTrip(float[] row)
    {
        var (codes, scales, zeroPoints) = (new byte[row.Length / 2], new float[row.Length / Block], new byte[(row.Length / Block / 2) + 1]);
        ZeroPointQuantizer.Quantize(row, Block, codes, scales, zeroPoints, value => value);
        return [.. row.Select((_, i) => ZeroPointQuantizer.Weight(codes, scales, zeroPoints, Block, i))];
    }

    private static double SquaredError(float[] row, float[] back) => row.Zip(back, (a, b) => (double)(a - b) * (a - b)).Sum();
}
