namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Rounds a row of weights to 4 bits, a scale and an offset per block: weight = (q − 8) · scale + offset. Weights that already lie on
/// such a grid (checkpoints that were Q4_0 or Q4_1 once) come back as they were.
/// </summary>
internal static class AffineQuantizer
{
    private const int CodeMask = 15;

    /// <summary>The code that stands for the offset alone.</summary>
    public const int Middle = 8;

    /// <param name="row">Weights; a multiple of <paramref name="block"/>.</param>
    /// <param name="block">Weights per scale; a multiple of 32.</param>
    /// <param name="codes">Takes one byte per two weights, the even one in the low nibble.</param>
    /// <param name="scales">Takes one scale per block, a number of half precision.</param>
    /// <param name="offsets">Takes one offset per block; minus 8 scales it is the block's minimum, a number of half precision.</param>
    /// <param name="hasMinimum">Without it the minimum is −8 scales, and the offset 0.</param>
    public static void Quantize(
        ReadOnlySpan<float> row, int block, Span<byte> codes, Span<float> scales, Span<float> offsets, bool hasMinimum = true)
    {
        for (var b = 0; b < row.Length / block; b++)
        {
            var weights = row.Slice(b * block, block);
            var grid = hasMinimum ? GroupGrid.Fit(weights) : GroupGrid.FitScale(weights);
            scales[b] = grid.Scale;
            offsets[b] = grid.Offset;
            var target = codes.Slice(b * block / 2, block / 2);
            for (var i = 0; i < target.Length; i++)
                target[i] = (byte)(grid.Code(weights[2 * i]) | (grid.Code(weights[(2 * i) + 1]) << 4));
        }
    }

    /// <summary>What a code stands for.</summary>
    public static float Weight(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scales, ReadOnlySpan<float> offsets, int block, int index) =>
        ((((codes[index / 2] >> (index % 2 * 4)) & CodeMask) - Middle) * scales[index / block]) + offsets[index / block];
}
