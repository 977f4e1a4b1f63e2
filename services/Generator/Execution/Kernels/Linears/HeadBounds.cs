using System.Numerics.Tensors;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// How far a coarse logit may be from the exact one. What the high plane leaves out of a weight is scale · (low − 7.5) with low from 0 to
/// 15, so a logit is off by Σ scale · (low − 7.5) · x. Taking the low codes as evenly spread and independent of x, that is a sum of
/// terms whose variance is 21.25 · scale² · x² and which has the tails of a normal distribution at most (each term is bounded and
/// symmetric, and an even spread is strictly sub-Gaussian). Inputs that lie out are read exactly and do not count.
/// </summary>
internal sealed unsafe class HeadBounds
{
    /// <summary>
    /// Standard deviations beyond which no logit is expected. The largest of a block's scales stands for all sixteen, which adds some more:
    /// at 8 the odds are 3e-14 for one logit, 3e-9 for all of a vocabulary of 128,000.
    /// </summary>
    private const float Deviations = 7;

    /// <summary>Variance of a number spread evenly over 0 to 15.</summary>
    private const float CodeVariance = 21.25f;

    private readonly int _groups;
    private readonly int _blocks;

    /// <summary>Largest squared scale of a block · <see cref="CodeVariance"/> · <see cref="Deviations"/>² [groups, blocks].</summary>
    private readonly float[] _squares;

    private readonly float[] _bounds;

    public HeadBounds(QuantizedMatrix matrix)
    {
        const int Lanes = QuantizedLinearLayout.BlockOutputs;
        _groups = matrix.Inputs / matrix.Group;
        _blocks = QuantizedLinearLayout.Blocks(matrix.Outputs);
        _squares = new float[_groups * _blocks];
        _bounds = new float[_blocks];
        var halves = new ReadOnlySpan<Half>((void*)matrix.Halves, _blocks * _groups * Lanes);
        Span<float> scales = stackalloc float[Lanes];
        for (var i = 0; i < _squares.Length; i++)
        {
            var (block, group) = (i / _groups, i % _groups);
            TensorPrimitives.ConvertToSingle(halves.Slice(i * Lanes, Lanes), scales);
            var largest = TensorPrimitives.MaxMagnitude<float>(scales);
            _squares[(group * _blocks) + block] = Deviations * Deviations * CodeVariance * largest * largest;
        }
    }

    /// <summary>The bounds of a row's blocks [blocks]; valid until the next call.</summary>
    /// <param name="norms">Squared length of each group's quantised activations, without those that are read exactly [groups].</param>
    public ReadOnlySpan<float> Of(ReadOnlySpan<float> norms)
    {
        var bounds = _bounds.AsSpan();
        bounds.Clear();
        for (var group = 0; group < _groups; group++)
            TensorPrimitives.MultiplyAdd(_squares.AsSpan(group * _blocks, _blocks), norms[group], bounds, bounds);
        TensorPrimitives.Sqrt(bounds, bounds);
        return bounds;
    }
}
