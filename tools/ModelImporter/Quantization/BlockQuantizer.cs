using System.Numerics;
using System.Numerics.Tensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Rounds a row of weights to 8 or 4 bits, a scale per block, symmetric around an implicit zero point (128 or 8): the layout of MatMulNBits,
/// where weight = (q − zero point) · scale and, of 4 bits, the even weight is the low nibble.
/// </summary>
internal static class BlockQuantizer
{
    private static readonly int[] Blocks = [128, 64, 32];

    /// <summary>
    /// Scales tried for a block of 4 bits: the weight of the largest magnitude falls on each of these. Around −8 the scale is Q4_0's;
    /// smaller ones spend the grid on the other side, larger ones cut the largest weight off for the sake of all others.
    /// </summary>
    private static readonly float[] Int4Peaks = [-8f, -7f, -7.25f, -7.5f, -7.75f, -8.25f, -8.5f, -8.75f, -9f, -9.5f, -10f, -10.5f, -11f];

    /// <summary>The largest block that divides a row and is not above <paramref name="blockMax"/>; null where none of 128, 64, 32 does.</summary>
    public static int? BlockFor(int inputs, int blockMax = 128)
    {
        foreach (var block in Blocks)
        {
            if (block <= blockMax && inputs % block == 0)
                return block;
        }

        return null;
    }

    /// <summary>Rounds to 8 bits: the largest magnitude of a block falls on ±127.</summary>
    /// <param name="row">Weights; a multiple of <paramref name="block"/>.</param>
    /// <param name="block">Weights per scale.</param>
    /// <param name="codes">Takes one byte per weight.</param>
    /// <param name="scales">Takes one scale per block.</param>
    public static void Quantize8(ReadOnlySpan<float> row, int block, Span<byte> codes, Span<float> scales)
    {
        for (var b = 0; b < row.Length / block; b++)
        {
            var weights = row.Slice(b * block, block);
            var scale = MathF.Abs(TensorPrimitives.MaxMagnitude(weights)) / 127;
            scales[b] = scale;
            var inverse = scale > 0 && float.IsFinite(1 / scale) ? 1 / scale : 0;
            var target = codes.Slice(b * block, block);
            for (var i = 0; i < weights.Length; i++)
                target[i] = (byte)(128 + (int)MathF.Round(weights[i] * inverse));
        }
    }

    /// <summary>Rounds to 4 bits, with the scale per block that leaves the least squared error of those tried.</summary>
    /// <param name="row">Weights; a multiple of <paramref name="block"/>.</param>
    /// <param name="block">Weights per scale; a multiple of 32.</param>
    /// <param name="codes">Takes one byte per two weights.</param>
    /// <param name="scales">Takes one scale per block; it may be negative.</param>
    public static void Quantize4(ReadOnlySpan<float> row, int block, Span<byte> codes, Span<float> scales)
    {
        for (var b = 0; b < row.Length / block; b++)
        {
            var weights = row.Slice(b * block, block);
            var (inverse, scale) = SearchScale(weights);
            scales[b] = scale;
            var target = codes.Slice(b * block / 2, block / 2);
            for (var i = 0; i < target.Length; i++)
                target[i] = (byte)(Code4(weights[2 * i] * inverse) | (Code4(weights[(2 * i) + 1] * inverse) << 4));
        }
    }

    private static int Code4(float scaled) => 8 + (int)Math.Clamp(MathF.Round(scaled), -8, 7);

    /// <summary>
    /// With u = w · inverse and codes q = round(u), the best scale is Σuq / Σq² / inverse, and what it leaves of Σw² is the less the larger
    /// (Σuq)² / Σq² / inverse² is. As inverse is target / peak, targets are compared without the peak, so no magnitude overflows.
    /// </summary>
    private static (float Inverse, float Scale) SearchScale(ReadOnlySpan<float> weights)
    {
        var peak = TensorPrimitives.MaxMagnitude(weights);
        if (peak == 0 || !float.IsFinite(Int4Peaks[^1] / peak))
            return (0, 0);
        var best = (Inverse: 0f, Scale: 0f, Gain: -1f);
        foreach (var target in Int4Peaks)
        {
            var inverse = target / peak;
            var (products, squares) = Project(weights, inverse);
            var gain = products / target * (products / target) / squares;
            if (gain > best.Gain)
                best = (inverse, products / squares / inverse, gain);
        }

        return (best.Inverse, best.Scale);
    }

    /// <summary>Σuq and Σq² for u = w · inverse and the codes q = round(u), cut to −8 … 7.</summary>
    private static (float Products, float Squares) Project(ReadOnlySpan<float> weights, float inverse)
    {
        var products = Vector<float>.Zero;
        var squares = Vector<float>.Zero;
        var low = new Vector<float>(-8f);
        var high = new Vector<float>(7f);
        for (var i = 0; i < weights.Length; i += Vector<float>.Count)
        {
            var u = new Vector<float>(weights[i..]) * inverse;
            var q = Vector.Min(Vector.Max(Vector.Round(u), low), high);
            products += u * q;
            squares += q * q;
        }

        return (Vector.Sum(products), Vector.Sum(squares));
    }
}
