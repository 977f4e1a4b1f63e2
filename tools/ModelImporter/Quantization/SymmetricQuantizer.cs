using System.Numerics.Tensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>Rounds a row of weights to 8 bits, a scale per block: weight = (q − 128) · scale.</summary>
internal static class SymmetricQuantizer
{
    private const float Largest = 127;
    private const int ZeroPoint = 128;

    /// <summary>Rounds; the largest magnitude of a block falls on ±127.</summary>
    /// <param name="row">Weights; a multiple of <paramref name="block"/>.</param>
    /// <param name="block">Weights per scale.</param>
    /// <param name="codes">Takes one byte per weight.</param>
    /// <param name="scales">Takes one scale per block.</param>
    public static void Quantize(ReadOnlySpan<float> row, int block, Span<byte> codes, Span<float> scales)
    {
        for (var b = 0; b < row.Length / block; b++)
        {
            var weights = row.Slice(b * block, block);
            var scale = MathF.Abs(TensorPrimitives.MaxMagnitude(weights)) / Largest;
            scales[b] = scale;
            var inverse = scale > 0 && float.IsFinite(1 / scale) ? 1 / scale : 0;
            var target = codes.Slice(b * block, block);
            for (var i = 0; i < weights.Length; i++)
                target[i] = (byte)(ZeroPoint + (int)MathF.Round(weights[i] * inverse));
        }
    }

    /// <summary>The same with scales as packages of our own layout hold them; codes are rounded with what is stored.</summary>
    /// <exception cref="InvalidDataException">A weight is too large for a half times 127.</exception>
    public static void Quantize(ReadOnlySpan<float> row, int block, Span<byte> codes, Span<Half> scales)
    {
        for (var b = 0; b < row.Length / block; b++)
        {
            var weights = row.Slice(b * block, block);
            var scale = (Half)(MathF.Abs(TensorPrimitives.MaxMagnitude(weights)) / Largest);
            if (!Half.IsFinite(scale))
                throw new InvalidDataException("a weight is above 65,504 times 127; the weights are damaged, or import the model as fp32.");
            scales[b] = scale;
            var inverse = scale == Half.Zero ? 0 : 1 / (float)scale;
            var target = codes.Slice(b * block, block);
            for (var i = 0; i < weights.Length; i++)
                target[i] = (byte)(ZeroPoint + (int)Math.Clamp(MathF.Round(weights[i] * inverse), -Largest, Largest));
        }
    }
}
