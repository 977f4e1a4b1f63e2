using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Weights of 4 bits with a scale and, by the rounding, a minimum per group of inputs, in the layout that our own operator reads in place.
/// What a file has rounded already keeps its grid, be it of 4 bits or of more.
/// </summary>
internal sealed class Int4Format(GroupRounding rounding) : PackedFormat
{
    private const int Bits = 4;
    private const int RestBits = 8;
    private const int PlainGroup = 32;

    /// <remarks>What a file has rounded stays so; a text is not asked.</remarks>
    public override PerHeadFormat PerHead =>
        new PackedPerHead(rounding.KeepsGrids ? new Int4Format(new PlainRounding(PlainRounding.DefaultGroup)) : new Int8Format(PlainGroup));

    protected override StoredGrid? Keep(CheckpointTensors tensors, LinearPart part) =>
        rounding.KeepsGrids ? tensors.GridOf(part.Weight) : null;

    protected override StoredGrid Choose(CheckpointTensors tensors, LinearWeights linear) => rounding.LeavesRest
        ? new(RestBits, BlockLayout.RequireBlock(linear, PlainGroup))
        : new(Bits, rounding.GroupOf(tensors, linear), rounding.HasMinima(tensors, linear));

    protected override RowCoder Round(CheckpointTensors tensors, PackedMatrix matrix, ParallelOptions options)
    {
        if (matrix.Grid.Bits == RestBits)
            return Int8Format.Rounder(tensors, matrix);
        var round = rounding.Prepare(tensors, matrix.Linear, matrix.Grid.Group, options);
        return (row, codes, scales, minimums) =>
        {
            Span<float> weights = new float[codes.Length];
            Span<float> numbers = new float[2 * scales.Length];
            Span<byte> pairs = new byte[codes.Length / 2];
            Span<float> offsets = numbers[scales.Length..];
            matrix.Linear.Read(tensors, row, 0, weights);
            round(row, weights, pairs, numbers[..scales.Length], offsets);
            for (var i = 0; i < pairs.Length; i++)
                (codes[2 * i], codes[(2 * i) + 1]) = ((byte)(pairs[i] & 15), (byte)(pairs[i] >> 4));
            for (var g = 0; g < scales.Length; g++)
            {
                scales[g] = matrix.Half(numbers[g]);
                if (minimums.Length > 0)
                    minimums[g] = matrix.Half(offsets[g] - (AffineQuantizer.Middle * numbers[g]));
            }
        };
    }

    protected override void Pass(CheckpointTensors tensors, LinearWeights linear, ParallelOptions options) =>
        rounding.Pass(tensors, linear, options);
}
