using System.Numerics.Tensors;
using Parley.ModelImporter.Quantization;

namespace Parley.ModelImporter.Calibration;

/// <summary>
/// Rounds a linear column by column so that later weights make up for the error of earlier ones, as far as the inputs of a text allow
/// (the method of GPTQ).
/// </summary>
/// <remarks>
/// With H = XᵀX of the inputs and e = weight − rounded weight of a row, the squared error of its output is e·H·eᵀ = |e·R|², R being the
/// upper factor of H. Its component k depends on the errors up to k only: t(k) = Σ e(j)·R(j,k), j &lt; k, is what the columns before have
/// left, and the value to round is w(k) + t(k) / R(k,k), which would make the component vanish. A group's grid is found for the values that
/// would make all components of the group vanish: w + z with z·R(group, group) = t. There an error of weight k counts R(k,k)², which is
/// what it costs once later weights have done what they can; to count all alike costs nearly twice the divergence
/// (docs/benchmarks/quality.md).
/// </remarks>
internal sealed class FeedbackRounding
{
    /// <summary>Columns whose share of earlier errors is one product, and rows of a task within them.</summary>
    private const int BlockColumns = 512;
    private const int TaskRows = 128;

    private readonly Matrix _weights;
    private readonly Matrix _factor;
    private readonly Matrix _errors;
    private readonly int _group;
    private readonly bool _hasMinimum;
    private readonly float[] _importance;
    private readonly RoundedLinear _rounded;

    private FeedbackRounding(Matrix weights, Matrix factor, int group, bool hasMinimum)
    {
        (_weights, _factor, _group, _hasMinimum) = (weights, factor, group, hasMinimum);
        _errors = new Matrix(new float[weights.Rows * weights.Columns], weights.Rows, weights.Columns);
        _importance = [.. Enumerable.Range(0, factor.Rows).Select(i => factor.Row(i)[i] * factor.Row(i)[i])];
        TensorPrimitives.Divide(_importance, TensorPrimitives.Max<float>(_importance), _importance);
        _rounded = new RoundedLinear(weights.Rows, weights.Columns, group);
    }

    /// <summary>Rounds.</summary>
    /// <param name="weights">The linear [outputs, inputs]; becomes what the rounded codes stand for.</param>
    /// <param name="factor">R [inputs, inputs], upper triangle.</param>
    /// <param name="group">Weights per scale: 32, 64 or 128.</param>
    /// <param name="hasMinimum">Whether groups have a minimum, too.</param>
    /// <param name="options">Threads and the end of the work.</param>
    public static RoundedLinear Round(Matrix weights, Matrix factor, int group, bool hasMinimum, ParallelOptions options)
    {
        var rounding = new FeedbackRounding(weights, factor, group, hasMinimum);
        for (var column = 0; column < weights.Columns; column += BlockColumns)
            rounding.RoundBlock(column, Math.Min(BlockColumns, weights.Columns - column), options);
        return rounding._rounded;
    }

    /// <summary>What earlier blocks have left is one large product; within the block it is brought up to date group by group.</summary>
    private void RoundBlock(int start, int columns, ParallelOptions options)
    {
        var left = new Matrix(new float[_weights.Rows * columns], _weights.Rows, columns);
        MatrixProduct.Add(left, _errors.Slice(0, _weights.Rows, 0, start), _factor.Slice(0, start, start, columns), options);
        Parallel.For(0, (_weights.Rows + TaskRows - 1) / TaskRows, options, task =>
        {
            var (row, rows) = (task * TaskRows, Math.Min(TaskRows, _weights.Rows - (task * TaskRows)));
            for (var column = 0; column < columns; column += _group)
            {
                var leftOfGroup = left.Slice(row, rows, column, _group);
                MatrixProduct.Add(
                    leftOfGroup, _errors.Slice(row, rows, start, column), _factor.Slice(start, column, start + column, _group));
                for (var r = 0; r < rows; r++)
                    RoundGroup(row + r, start + column, leftOfGroup.Row(r));
            }
        });
    }

    private void RoundGroup(int row, int column, Span<float> left)
    {
        var weights = _weights.Row(row).Slice(column, _group);
        var errors = _errors.Row(row).Slice(column, _group);
        Span<float> wanted = stackalloc float[_group];
        Solve(left, column, wanted);
        TensorPrimitives.Add(wanted, weights, wanted);
        var grid = _hasMinimum ? GroupGrid.Fit(wanted, _importance.AsSpan(column, _group)) : GroupGrid.FitScale(wanted);
        _rounded.Set(row, column / _group, grid);
        for (var i = 0; i < weights.Length; i++)
        {
            var factors = _factor.Row(column + i).Slice(column + i, _group - i);
            var code = grid.Code(weights[i] + (left[i] / factors[0]));
            var value = grid.Value(code);
            errors[i] = weights[i] - value;
            weights[i] = value;
            _rounded.Set(row, column + i, code);
            TensorPrimitives.MultiplyAdd(factors[1..], errors[i], left[(i + 1)..], left[(i + 1)..]);
        }
    }

    /// <summary>z · R(group, group) = left.</summary>
    private void Solve(ReadOnlySpan<float> left, int column, Span<float> z)
    {
        left.CopyTo(z);
        for (var i = 0; i < z.Length; i++)
        {
            var factors = _factor.Row(column + i).Slice(column + i, _group - i);
            z[i] /= factors[0];
            TensorPrimitives.MultiplyAdd(factors[1..], -z[i], z[(i + 1)..], z[(i + 1)..]);
        }
    }
}
