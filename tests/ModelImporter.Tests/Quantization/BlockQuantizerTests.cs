using Parley.ModelImporter.Quantization;

namespace Parley.ModelImporter.Tests.Quantization;

public sealed class BlockQuantizerTests
{
    private const int Zero4 = 8;
    private const int Zero8 = 128;

    [Theory]
    [InlineData(2048, 128, 128)]
    [InlineData(576, 128, 64)]
    [InlineData(160, 128, 32)]
    [InlineData(2048, 32, 32)]
    [InlineData(100, 128, null)]
    public void Block_OfARow_IsTheLargestThatDivides(int inputs, int blockMax, int? expected) =>
        Assert.Equal(expected, BlockQuantizer.BlockFor(inputs, blockMax));

    [Fact]
    public void Quantize8_AnyWeights_AreWithinHalfAStep()
    {
        var row = Row(1024, seed: 1);
        var (codes, scales) = (new byte[1024], new float[8]);

        BlockQuantizer.Quantize8(row, 128, codes, scales);

        for (var i = 0; i < row.Length; i++)
            Assert.InRange(Math.Abs(((codes[i] - Zero8) * scales[i / 128]) - row[i]), 0, (scales[i / 128] * 0.5001f) + 1e-9f);
    }

    [Fact]
    public void Quantize4_AnyWeights_LoseLessThanQ4_0AndPlainSevenDo()
    {
        foreach (var block in new[] { 32, 64, 128 })
        {
            var row = Row(4096, seed: block);
            var error = SquaredError(row, Dequantize4(row, block));

            Assert.True(error < SquaredError(row, Round(row, block, -8)), $"block {block}: worse than the largest value to -8");
            Assert.True(error < 0.85 * SquaredError(row, Round(row, block, 7)), $"block {block}: hardly better than the largest value to 7");
        }
    }

    [Fact]
    public void Quantize4_WeightsOnAGrid_ComeBackExactly()
    {
        float[] row = [.. Enumerable.Range(0, 32).Select(i => ((i % 16) - 8) * 0.125f)];
        Assert.Equal(row, Dequantize4(row, 32));
    }

    [Fact]
    public void Quantize4_EvenWeight_IsTheLowNibble()
    {
        var row = new float[32];
        (row[0], row[1]) = (-8, 7);
        var (codes, scales) = (new byte[16], new float[1]);

        BlockQuantizer.Quantize4(row, 32, codes, scales);

        Assert.Equal(1, scales[0], 6);
        Assert.Equal(0xF0, codes[0]);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-44f)]
    [InlineData(1e-38f)]
    [InlineData(3e38f)]
    public void Quantize_ExtremeWeights_StayFinite(float magnitude)
    {
        float[] row = [.. Enumerable.Range(0, 32).Select(i => i % 2 == 0 ? magnitude : -magnitude)];
        var (codes, scales) = (new byte[32], new float[1]);

        BlockQuantizer.Quantize8(row, 32, codes, scales);

        Assert.All(codes, code => Assert.InRange((code - Zero8) * scales[0], -magnitude * 1.01f, magnitude * 1.01f));
        Assert.All(Dequantize4(row, 32), weight => Assert.True(float.IsFinite(weight) && Math.Abs(weight) <= magnitude * 1.2f));
    }

    private static float[] Row(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 0.05))];
    }

    private static float[] Dequantize4(float[] row, int block)
    {
        var (codes, scales) = (new byte[row.Length / 2], new float[row.Length / block]);
        BlockQuantizer.Quantize4(row, block, codes, scales);
        return [.. row.Select((_, i) => (((codes[i / 2] >> (i % 2 * 4)) & 15) - Zero4) * scales[i / block])];
    }

    /// <summary>Plain rounding: the weight of the largest magnitude falls on <paramref name="peak"/>.</summary>
    private static float[] Round(float[] row, int block, int peak) => [.. row.Chunk(block).SelectMany(weights =>
    {
        var scale = weights.MaxBy(Math.Abs) / peak;
        return weights.Select(weight => Math.Clamp(MathF.Round(weight / scale), -8, 7) * scale);
    })];

    private static double SquaredError(float[] a, float[] b) => a.Zip(b, (x, y) => ((double)x - y) * ((double)x - y)).Sum();
}
