using System.Runtime.Intrinsics;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>A head's step: its linear, and what is known of each block of sixteen logits.</summary>
internal unsafe struct QuantizedHeadStep
{
    /// <summary>Most octets of inputs whose low codes the coarse pass reads too where a row's length is mostly theirs.</summary>
    public const int OctetsMax = 8;

    /// <summary>The linear, of two planes; first, so that a pointer to it is one to the whole.</summary>
    public QuantizedLinearStep Linear;

    /// <summary>The best coarse logit of each row and block [rows, blocks].</summary>
    public float* Coarse;

    /// <summary>The same with the low codes of the outlying inputs [rows, blocks].</summary>
    public float* Best;

    /// <summary>Which inputs lie out, by tile: octets [tiles, <see cref="OctetsMax"/>].</summary>
    public int* Octets;

    /// <summary>Number of them [tiles].</summary>
    public int* OctetCounts;

    /// <summary>Sum of the quantised activations of a row's octets [rows, <see cref="OctetsMax"/>].</summary>
    public float* OctetSums;

    /// <summary>Which tiles want a block exactly [tiles, blocks]; 0 is none.</summary>
    public byte* Wanted;

    /// <summary>Tiles of the rows.</summary>
    public int Tiles;

    /// <summary>The blocks whose low plane is to be added, ascending [<see cref="ListCount"/>].</summary>
    public int* List;

    public int ListCount;

    /// <summary>Mark of this pass in <see cref="Wanted"/>: what an earlier pass has added is not added again.</summary>
    public byte Pass;

    public readonly bool Wants(int tile, int block) => Wanted[((long)tile * Linear.Blocks) + block] == Pass;

    /// <summary>The best of a block's logits; those that pad the last block do not count.</summary>
    public readonly float BestOf(int block, float* values)
    {
        var best = float.NegativeInfinity;
        var count = Math.Min(QuantizedLinearLayout.BlockOutputs, Linear.Outputs - (block * QuantizedLinearLayout.BlockOutputs));
        if (count == QuantizedLinearLayout.BlockOutputs)
        {
            var all = Vector512.Load(values);
            var half = Vector256.Max(all.GetLower(), all.GetUpper());
            var quarter = Vector128.Max(half.GetLower(), half.GetUpper());
            best = MathF.Max(MathF.Max(quarter[0], quarter[1]), MathF.Max(quarter[2], quarter[3]));
        }

        for (var i = 0; count < QuantizedLinearLayout.BlockOutputs && i < count; i++)
            best = MathF.Max(best, values[i]);
        return best;
    }
}
