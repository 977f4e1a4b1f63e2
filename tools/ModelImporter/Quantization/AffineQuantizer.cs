using System.Numerics;
using System.Numerics.Tensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Rounds a row of weights to 4 bits, a scale and an offset per block: weight = (q − 8) · scale + offset. Weights that already lie on
/// such a grid
/// (checkpoints that were Q4_0 or Q4_1 once) come back as they were.
/// </summary>
internal static class AffineQuantizer
{
    private const int Levels = 15;

    /// <summary>The code that stands for the offset alone.</summary>
    public const int Middle = 8;


    /// <summary>Steps that the range of a block is spread over; below 15 codes are left unused, above 15 the ends are cut off.</summary>
    private static readonly float[] Spreads = [15f, 14f, 14.5f, 15.5f, 16f, 16.5f, 17f, 17.5f, 18f];

    /// <param name="row">Weights; a multiple of <paramref name="block"/>.</param>
    /// <param name="block">Weights per scale; a multiple of 32.</param>
    /// <param name="codes">Takes one byte per two weights, the even one in the low nibble.</param>
    /// <param name="scales">Takes one scale per block.</param>
    /// <param name="offsets">Takes one offset per block.</param>
    public static void Quantize(ReadOnlySpan<float> row, int block, Span<byte> codes, Span<float> scales, Span<float> offsets)
    {
        for (var b = 0; b < row.Length / block; b++)
        {
            var weights = row.Slice(b * block, block);
            var (scale, minimum) = Search(weights);
            (scale, minimum) = (ToStored(scale), ToStored(minimum));
            scales[b] = scale;
            offsets[b] = minimum + (Middle * scale);
            var inverse = scale == 0 ? 0 : 1 / scale;
            var target = codes.Slice(b * block / 2, block / 2);
            for (var i = 0; i < target.Length; i++)
                target[i] = (byte)(Code((weights[2 * i] - minimum) * inverse) | (Code((weights[(2 * i) + 1] - minimum) * inverse) << 4));
        }
    }

    /// <summary>What a code stands for.</summary>
    public static float Weight(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scales, ReadOnlySpan<float> offsets, int block, int index) =>
        ((((codes[index / 2] >> (index % 2 * 4)) & Levels) - Middle) * scales[index / block]) + offsets[index / block];

    /// <summary>Packages hold halves; codes that are rounded with what is stored lose nothing by that.</summary>
    private static float ToStored(float value)
    {
        var half = (Half)value;
        return Half.IsNormal(half) ? (float)half : value;
    }

    private static int Code(float scaled) => (int)Math.Clamp(MathF.Round(scaled), 0, Levels);

    /// <summary>
    /// For each spread the codes follow, and for codes the best scale and minimum are a line fit; the least squared error wins.
    /// </summary>
    private static (float Scale, float Minimum) Search(ReadOnlySpan<float> weights)
    {
        var low = TensorPrimitives.Min(weights);
        var range = TensorPrimitives.Max(weights) - low;
        if (range == 0 || !float.IsFinite(Spreads[^1] / range))
            return (0, low);
        var best = (Scale: range / Levels, Minimum: low, Error: float.PositiveInfinity);
        foreach (var spread in Spreads)
        {
            // In units of the range, from its start: numbers near one, whatever the weights.
            var (sumQ, sumQQ, sumW, sumWQ) = Project(weights, low, range, spread);
            var count = weights.Length;
            var determinant = (count * sumQQ) - (sumQ * sumQ);
            if (determinant <= 0)
                continue;
            var slope = ((count * sumWQ) - (sumW * sumQ)) / determinant;
            var start = (sumW - (slope * sumQ)) / count;
            var error = Error(weights, low, range, slope, start);
            if (error < best.Error)
                best = (slope * range, low + (start * range), error);
        }

        return (best.Scale, best.Minimum);
    }

    private static (float SumQ, float SumQQ, float SumW, float SumWQ) Project(
        ReadOnlySpan<float> weights, float low, float range, float spread)
    {
        var (sumQ, sumQQ, sumW, sumWQ) = (Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero, Vector<float>.Zero);
        var (origin, inverse, top) = (new Vector<float>(low), new Vector<float>(1 / range), new Vector<float>((float)Levels));
        // A wider spread cuts both ends off alike.
        var shift = new Vector<float>((Levels - spread) / 2);
        for (var i = 0; i < weights.Length; i += Vector<float>.Count)
        {
            var w = (new Vector<float>(weights[i..]) - origin) * inverse;
            var q = Vector.Min(Vector.Max(Vector.Round((w * spread) + shift), Vector<float>.Zero), top);
            sumQ += q;
            sumQQ += q * q;
            sumW += w;
            sumWQ += w * q;
        }

        return (Vector.Sum(sumQ), Vector.Sum(sumQQ), Vector.Sum(sumW), Vector.Sum(sumWQ));
    }

    private static float Error(ReadOnlySpan<float> weights, float low, float range, float slope, float start)
    {
        var sum = Vector<float>.Zero;
        var (origin, inverse, top) = (new Vector<float>(low), new Vector<float>(1 / range), new Vector<float>((float)Levels));
        var (first, step, steps) = (new Vector<float>(start), new Vector<float>(slope), new Vector<float>(1 / slope));
        for (var i = 0; i < weights.Length; i += Vector<float>.Count)
        {
            var w = (new Vector<float>(weights[i..]) - origin) * inverse;
            var q = Vector.Min(Vector.Max(Vector.Round((w - first) * steps), Vector<float>.Zero), top);
            var difference = w - first - (q * step);
            sum += difference * difference;
        }

        return Vector.Sum(sum);
    }
}
