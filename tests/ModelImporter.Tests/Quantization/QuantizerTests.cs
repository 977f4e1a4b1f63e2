using Parley.ModelImporter.Quantization;

namespace Parley.ModelImporter.Tests.Quantization;

public sealed class QuantizerTests
{
    private const int Zero8 = 128;

    [Theory]
    [InlineData(2048, 128, 128)]
    [InlineData(576, 128, 64)]
    [InlineData(160, 128, 32)]
    [InlineData(2048, 32, 32)]
    [InlineData(100, 128, null)]
    public void Block_OfARow_IsTheLargestThatDivides(int inputs, int blockMax, int? expected) =>
        Assert.Equal(expected, BlockLayout.BlockFor(inputs, blockMax));

    [Fact]
    public void Symmetric_AnyWeights_AreWithinHalfAStep()
    {
        var row = Row(1024, seed: 1);
        var (codes, scales) = (new byte[1024], new float[8]);

        SymmetricQuantizer.Quantize(row, 128, codes, scales);

        for (var i = 0; i < row.Length; i++)
            Assert.InRange(Math.Abs(((codes[i] - Zero8) * scales[i / 128]) - row[i]), 0, (scales[i / 128] * 0.5001f) + 1e-9f);
    }

    [Theory]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(128)]
    public void Affine_AnyWeights_LoseLessThanQ4_0AndPlainSevenDo(int block)
    {
        var row = Row(4096, seed: block);
        var error = SquaredError(row, Affine(row, block));

        Assert.InRange(error / SquaredError(row, Round(row, block, -8)), 0.3, 0.95);
        Assert.InRange(error / SquaredError(row, Round(row, block, 7)), 0.3, 0.85);
    }

    /// <summary>
    /// Q4_1: sixteen levels from a minimum on, all blocks using the first and the last; bf16 rounding is all that is left.
    /// </summary>
    [Fact]
    public void Affine_WeightsOnAGrid_ComeBackAsTheyWere()
    {
        var random = new Random(5);
        var row = new float[32 * 64];
        for (var b = 0; b < 64; b++)
        {
            var (scale, minimum) = (0.001f + (0.01f * random.NextSingle()), (0.1f * random.NextSingle()) - 0.1f);
            for (var i = 0; i < 32; i++)
            {
                var weight = minimum + (scale * (i < 2 ? 15 * i : random.Next(16)));
                row[(32 * b) + i] = BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(weight) + 0x8000) & 0xFFFF0000);
            }
        }

        Assert.InRange(SquaredError(row, Affine(row, 32)) / row.Sum(weight => (double)weight * weight), 0, 1e-5);
    }

    [Fact]
    public void Affine_EvenWeight_IsTheLowNibble()
    {
        var row = Enumerable.Range(0, 32).Select(i => i % 2 == 0 ? -8f : 7f).ToArray();
        var codes = new byte[16];

        AffineQuantizer.Quantize(row, 32, codes, new float[1], new float[1]);

        Assert.All(codes, code => Assert.Equal(0xF0, code));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-44f)]
    [InlineData(1e-38f)]
    [InlineData(6e4f)]
    public void Quantize_ExtremeWeights_StayFinite(float magnitude)
    {
        float[] row = [.. Enumerable.Range(0, 32).Select(i => i % 2 == 0 ? magnitude : -magnitude)];
        var (codes, scales) = (new byte[32], new float[1]);

        SymmetricQuantizer.Quantize(row, 32, codes, scales);

        Assert.All(codes, code => Assert.InRange((code - Zero8) * scales[0], -magnitude * 1.01f, magnitude * 1.01f));
        Assert.All(Affine(row, 32), weight => Assert.InRange(weight, -magnitude * 1.2f, magnitude * 1.2f));
    }

    [Fact]
    public void Affine_EqualWeights_ComeBackInHalfPrecision()
    {
        var row = Enumerable.Repeat(0.3f, 32).ToArray();
        Assert.All(Affine(row, 32), weight => Assert.Equal((float)(Half)0.3f, weight));
    }

    [Fact]
    public void Affine_WeightBeyondHalfPrecision_IsRefused()
    {
        var row = Enumerable.Repeat(1e38f, 32).ToArray();
        Assert.Contains("fp32", Assert.Throws<InvalidDataException>(() => Affine(row, 32)).Message);
    }

    /// <summary>The stored numbers are half precision, and codes are chosen for them.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Affine_ScaleAndMinimum_AreOfHalfPrecision(bool hasMinimum)
    {
        var row = Row(1024, seed: 9);
        var (codes, scales, offsets) = (new byte[512], new float[32], new float[32]);
        AffineQuantizer.Quantize(row, 32, codes, scales, offsets, hasMinimum);
        for (var b = 0; b < 32; b++)
        {
            var minimum = offsets[b] - (8 * scales[b]);
            Assert.Equal((float)(Half)scales[b], scales[b]);
            Assert.Equal((float)(Half)minimum, minimum);
            Assert.True(hasMinimum || offsets[b] == 0);
        }
    }

    private static float[] Row(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ =>
            (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 0.05))];
    }

    private static float[] Affine(float[] row, int block)
    {
        var (codes, scales, offsets) = (new byte[row.Length / 2], new float[row.Length / block], new float[row.Length / block]);
        AffineQuantizer.Quantize(row, block, codes, scales, offsets);
        return [.. row.Select((_, i) => AffineQuantizer.Weight(codes, scales, offsets, block, i))];
    }

    /// <summary>Plain rounding: the weight of the largest magnitude falls on <paramref name="peak"/>.</summary>
    private static float[] Round(float[] row, int block, int peak) => [.. row.Chunk(block).SelectMany(weights =>
    {
        var scale = weights.MaxBy(Math.Abs) / peak;
        return weights.Select(weight => Math.Clamp(MathF.Round(weight / scale), -8, 7) * scale);
    })];

    private static double SquaredError(float[] a, float[] b) => a.Zip(b, (x, y) => ((double)x - y) * ((double)x - y)).Sum();
}
