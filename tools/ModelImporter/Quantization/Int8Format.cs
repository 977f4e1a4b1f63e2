using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Weights of 8 bits with a scale and, where their file has one, a minimum per group of inputs, as two planes of nibbles in the layout that
/// our own operator reads in place.
/// </summary>
/// <param name="blockMax">Largest number of weights per scale, where weights are rounded.</param>
/// <param name="keeps">Which grids of a file are taken over. Default: null, which is all.</param>
internal sealed class Int8Format(int blockMax, Predicate<StoredGrid>? keeps = null) : PackedFormat
{
    private const int Bits = 8;
    private const int GridGroup = 32;

    /// <summary>
    /// What embedding and head keep. A head is read by its high nibbles first, which codes of 6 bits around the middle leave without much
    /// say, so groups of 16 are rounded to 8 bits in groups of 32 instead.
    /// </summary>
    public static bool KeepsInVocabulary(StoredGrid grid) => grid is { Group: not QuantizedLinearLayout.SmallGroup, Order: null };

    /// <summary>The same on ONNX Runtime's operators, which know no minima there.</summary>
    public static bool KeepsInOrtVocabulary(StoredGrid grid) => KeepsInVocabulary(grid) && !grid.HasMinima;

    protected override StoredGrid? Keep(CheckpointTensors tensors, LinearPart part) =>
        tensors.GridOf(part.Weight) is { } grid && (keeps is null || keeps(grid))
            ? grid.ToBytes() : null;

    protected override StoredGrid Choose(CheckpointTensors tensors, LinearWeights linear) =>
        new(Bits, BlockLayout.RequireBlock(linear, linear.Parts.Any(part => tensors.IsRounded(part.Weight))
            ? Math.Min(blockMax, GridGroup) : blockMax));

    protected override RowCoder Round(CheckpointTensors tensors, PackedMatrix matrix, ParallelOptions options) =>
        Rounder(tensors, matrix);

    /// <summary>Rounds the rows of a matrix of 8 bits without minima.</summary>
    public static RowCoder Rounder(CheckpointTensors tensors, PackedMatrix matrix) =>
        (row, codes, scales, _) =>
        {
            Span<float> weights = new float[codes.Length];
            matrix.Linear.Read(tensors, row, 0, weights);
            SymmetricQuantizer.Quantize(weights, matrix.Grid.Group, codes, scales);
        };
}
