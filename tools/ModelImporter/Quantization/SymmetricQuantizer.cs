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
}
