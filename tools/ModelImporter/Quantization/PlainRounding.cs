using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>Each weight to the nearest code of its group's grid.</summary>
/// <param name="group">Weights per scale: the largest of 128, 64 and 32 up to this that divides the inputs.</param>
/// <param name="hasMinimum">Whether a group has a minimum beside its scale.</param>
/// <param name="keepGrids">Whether linears that lie on a 4-bit grid of 32 already keep it.</param>
internal sealed class PlainRounding(int group, bool hasMinimum = true, bool keepGrids = true) : GroupRounding
{
    /// <summary>
    /// Weights per scale unless told otherwise, without error feedback. Plain rounding in larger groups loses more than llama.cpp's Q4_0
    /// does (docs/benchmarks/quality.md).
    /// </summary>
    public const int DefaultGroup = 32;

    private const int GridGroup = 32;
    private const int SampledRows = 16;

    /// <summary>
    /// Rounding to another grid loses some 0.5 % of the squares, finding the own one almost nothing but the rounding to bf16.
    /// </summary>
    private const double GridErrorMax = 1e-4;

    private readonly Dictionary<string, bool> _keeps = [];

    public bool HasMinimum => hasMinimum;

    /// <summary>
    /// The largest group that divides the inputs, but 32 for weights that come from such groups: a checkpoint that was Q4_0 or Q4_1 once is
    /// taken over on its own grid, because rounding a second time costs more than everything else together.
    /// </summary>
    public override int GroupOf(CheckpointTensors tensors, LinearWeights linear)
    {
        var block = BlockLayout.RequireBlock(linear, group);
        return KeepsGrid(tensors, linear) ? GridGroup : block;
    }

    /// <summary>Whether a linear lies on a 4-bit grid and is to stay there.</summary>
    public bool KeepsGrid(CheckpointTensors tensors, LinearWeights linear)
    {
        if (!keepGrids || linear.Inputs % GridGroup != 0 || !linear.Parts.All(part => tensors.Contains(part.Weight)))
            return false;
        if (!_keeps.TryGetValue(linear.Name, out var keeps))
            _keeps[linear.Name] = keeps = linear.Parts.Any(part => tensors.HasGroups(part.Weight)) || IsOnGrid(tensors, linear);
        return keeps;
    }

    /// <summary>Whether all of a linear lies on such a grid, so that 4 bits lose nothing of it.</summary>
    public static bool LiesOnGrid(CheckpointTensors tensors, LinearWeights linear) =>
        linear.Inputs % GridGroup == 0
        && (tensors.Gguf is null ? IsOnGrid(tensors, linear) : linear.Parts.All(part => tensors.HasGroups(part.Weight)));

    public override bool HasMinima(CheckpointTensors tensors, LinearWeights linear) =>
        KeepsGrid(tensors, linear) ? !linear.Parts.All(part => tensors.HasScalesAlone(part.Weight)) : hasMinimum;

    public override bool StaysAtBytes(CheckpointTensors tensors, LinearWeights linear) =>
        keepGrids && NeedsBytes(tensors, linear);

    /// <summary>Whether a part of a linear was rounded before, and not to a 4-bit grid.</summary>
    public static bool NeedsBytes(CheckpointTensors tensors, LinearWeights linear) => linear.Inputs % GridGroup == 0
        && linear.Parts.Any(part => tensors.IsQuantized(part.Weight) && !tensors.HasGroups(part.Weight));

    public override bool TakesOver(CheckpointTensors tensors, LinearWeights linear, int row) =>
        KeepsGrid(tensors, linear) && tensors.HasGroups(linear.Find(row).Part.Weight);

    public override RowRounder Prepare(CheckpointTensors tensors, LinearWeights linear, int group, ParallelOptions options)
    {
        var (keeps, affine) = (KeepsGrid(tensors, linear), HasMinima(tensors, linear));
        return (row, weights, codes, scales, offsets) =>
        {
            var (part, partRow) = linear.Find(row);
            if (keeps && tensors.HasGroups(part.Weight))
                TakeOver(tensors, part.Weight, partRow, codes, scales, offsets);
            else
                AffineQuantizer.Quantize(weights, group, codes, scales, offsets, affine);
        };
    }

    /// <summary>Groups as they are stored; scales of Q4_K are products, so they get rounded to half precision.</summary>
    private static void TakeOver(
        CheckpointTensors tensors, string name, int row, Span<byte> codes, Span<float> scales, Span<float> offsets)
    {
        tensors.ReadGroups(name, row, codes, scales, offsets);
        for (var i = 0; i < scales.Length; i++)
        {
            var grid = new GroupGrid(scales[i], offsets[i]);
            (scales[i], offsets[i]) = (grid.Scale, grid.Offset);
        }
    }

    private static bool IsOnGrid(CheckpointTensors tensors, LinearWeights linear)
    {
        Span<float> row = new float[linear.Inputs];
        Span<float> scales = new float[linear.Inputs / GridGroup];
        Span<float> offsets = new float[linear.Inputs / GridGroup];
        Span<byte> codes = new byte[linear.Inputs / 2];
        var (squares, errors) = (0.0, 0.0);
        for (var sample = 0; sample < SampledRows; sample++)
        {
            linear.Read(tensors, (int)((long)sample * linear.Outputs / SampledRows), 0, row);
            AffineQuantizer.Quantize(row, GridGroup, codes, scales, offsets);
            for (var i = 0; i < row.Length; i++)
            {
                var error = row[i] - AffineQuantizer.Weight(codes, scales, offsets, GridGroup, i);
                errors += error * error;
                squares += row[i] * row[i];
            }
        }

        return squares > 0 && errors < GridErrorMax * squares;
    }
}
