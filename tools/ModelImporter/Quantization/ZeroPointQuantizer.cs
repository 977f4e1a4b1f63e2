namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Rounds a row of weights to 4 bits, a scale and a whole zero point per block: weight = (q − zero point) · scale. What CUDA's MatMulNBits
/// reads at full speed; a free offset per block (<see cref="AffineQuantizer"/>) would cost it a second product.
/// </summary>
internal static class ZeroPointQuantizer
{
    private const int Levels = 15;

    /// <summary>Steps that the range of a block is spread over: above 15 the ends are cut off.</summary>
    private static readonly float[] Spreads = [15f, 14f, 14.5f, 15.5f, 16f, 16.5f, 17f, 18f, 19f];

    /// <param name="row">Weights; a multiple of <paramref name="block"/>.</param>
    /// <param name="block">Weights per scale; even.</param>
    /// <param name="codes">Takes one byte per two weights, the even one in the low nibble.</param>
    /// <param name="scales">Takes one scale per block.</param>
    /// <param name="zeroPoints">Takes one byte per two blocks, the even one in the low nibble.</param>
    /// <param name="roundScale">Rounds a scale to the type that it is stored in.</param>
    public static void Quantize(
        ReadOnlySpan<float> row, int block, Span<byte> codes, Span<float> scales, Span<byte> zeroPoints, Func<float, float> roundScale)
    {
        zeroPoints.Clear();
        for (var b = 0; b < row.Length / block; b++)
        {
            var weights = row.Slice(b * block, block);
            var (scale, zero) = Search(weights, roundScale);
            scales[b] = scale;
            zeroPoints[b / 2] |= (byte)(zero << (b % 2 * 4));
            var inverse = scale == 0 ? 0 : 1 / scale;
            var target = codes.Slice(b * block / 2, block / 2);
            for (var i = 0; i < target.Length; i++)
                target[i] = (byte)(Code(weights[2 * i], inverse, zero) | (Code(weights[(2 * i) + 1], inverse, zero) << 4));
        }
    }

    /// <summary>What a code stands for.</summary>
    public static float Weight(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scales, ReadOnlySpan<byte> zeroPoints, int block, int index) =>
        (Nibble(codes, index) - Nibble(zeroPoints, index / block)) * scales[index / block];

    private static int Nibble(ReadOnlySpan<byte> packed, int index) => (packed[index / 2] >> (index % 2 * 4)) & Levels;

    private static int Code(float weight, float inverse, int zero) => (int)Math.Clamp(MathF.Round(weight * inverse) + zero, 0, Levels);

    private static (float Scale, int Zero) Search(ReadOnlySpan<float> weights, Func<float, float> roundScale)
    {
        // Zero is always a level: a block of positive weights has its zero point at one end.
        var (low, high) = (0f, 0f);
        foreach (var weight in weights)
        {
            low = Math.Min(low, weight);
            high = Math.Max(high, weight);
        }

        var best = (Scale: 0f, Zero: 8, Error: double.PositiveInfinity);
        foreach (var spread in Spreads)
        {
            var scale = roundScale((high - low) / spread);
            if (scale == 0 || !float.IsFinite(1 / scale))
                continue;
            var zero = (int)Math.Clamp(MathF.Round((-low / scale) - ((spread - Levels) / 2)), 0, Levels);
            scale = roundScale(Refit(weights, scale, zero));
            var error = Error(weights, scale, zero);
            if (error < best.Error)
                best = (scale, zero, error);
        }

        return (best.Scale, best.Zero);
    }

    /// <summary>The scale that fits the codes of a scale best: least squares.</summary>
    private static float Refit(ReadOnlySpan<float> weights, float scale, int zero)
    {
        var (products, squares) = (0.0, 0.0);
        foreach (var weight in weights)
        {
            var level = Code(weight, 1 / scale, zero) - zero;
            products += (double)weight * level;
            squares += level * level;
        }

        return products > 0 ? (float)(products / squares) : scale;
    }

    private static double Error(ReadOnlySpan<float> weights, float scale, int zero)
    {
        var sum = 0.0;
        if (scale == 0 || !float.IsFinite(1 / scale))
            return double.PositiveInfinity;
        foreach (var weight in weights)
        {
            double difference = weight - ((Code(weight, 1 / scale, zero) - zero) * scale);
            sum += difference * difference;
        }

        return sum;
    }
}
