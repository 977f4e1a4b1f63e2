using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>Each weight to the nearest code of its group's grid.</summary>
/// <param name="group">Weights per scale: the largest of 128, 64 and 32 up to this that divides the inputs.</param>
/// <param name="hasMinimum">Whether a group has a minimum beside its scale.</param>
/// <param name="keepGrids">Whether linears that lie on a 4-bit grid of 32 already keep it.</param>
/// <param name="leavesRest">Whether, where grids are kept, everything else gets 8 bits.</param>
internal sealed class PlainRounding(int group, bool hasMinimum = true, bool keepGrids = true, bool leavesRest = false) : GroupRounding
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

    private readonly Dictionary<string, bool> _found = [];
    private readonly Dictionary<string, LinearWeights[]> _stacks = new(StringComparer.Ordinal);

    public bool HasMinimum => hasMinimum;

    public override bool KeepsGrids => keepGrids;

    public override bool LeavesRest => KeepsGrids && leavesRest;

    /// <summary>
    /// The largest group that divides the inputs, but 32 for weights that come from such groups: a checkpoint that was Q4_0 or Q4_1 once is
    /// taken over on its own grid, because rounding a second time costs more than everything else together.
    /// </summary>
    public override int GroupOf(CheckpointTensors tensors, LinearWeights linear)
    {
        var block = BlockLayout.RequireBlock(linear, group);
        return FindsGrid(tensors, linear) ? GridGroup : block;
    }

    /// <summary>Whether a linear of numbers lies on a 4-bit grid of 32, which plain rounding finds.</summary>
    public bool FindsGrid(CheckpointTensors tensors, LinearWeights linear)
    {
        if (!keepGrids || linear.Inputs % GridGroup != 0 || !linear.Parts.All(part => tensors.Contains(part.Weight)))
            return false;
        var key = linear.Stack ?? linear.Name;
        if (!_found.TryGetValue(key, out var found))
        {
            // Experts share a grid, so that of a layer is that of all or of none.
            var members = _stacks.GetValueOrDefault(key) ?? [linear];
            _found[key] = found = members.All(member => IsOnGrid(tensors, member with { Inputs = linear.Inputs }));
        }

        return found;
    }

    /// <summary>Makes the experts of each layer share what is found of their grids.</summary>
    public void Join(IEnumerable<MixtureWeights> mixtures)
    {
        foreach (var experts in mixtures.SelectMany(mixture => mixture.Experts).GroupBy(linear => linear.Stack ?? linear.Name))
            _stacks[experts.Key] = [.. experts];
    }

    public override bool HasMinima(CheckpointTensors tensors, LinearWeights linear) => hasMinimum || FindsGrid(tensors, linear);

    public override RowRounder Prepare(CheckpointTensors tensors, LinearWeights linear, int group, ParallelOptions options)
    {
        var affine = HasMinima(tensors, linear);
        return (_, weights, codes, scales, offsets) => AffineQuantizer.Quantize(weights, group, codes, scales, offsets, affine);
    }

    /// <summary>Whether all of a linear lies on 4-bit grids of 32, so that 4 bits lose nothing of it.</summary>
    public static bool IsOnGrid(CheckpointTensors tensors, LinearWeights linear)
    {
        if (linear.Inputs % GridGroup != 0)
            return false;
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
