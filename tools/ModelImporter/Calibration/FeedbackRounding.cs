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
/// would make all components of the group vanish: w + z with z·R(group, group) = t.
/// </remarks>
internal static class FeedbackRounding
{
    /// <summary>Rounds.</summary>
    /// <param name="weights">The linear [outputs, inputs]; becomes what the rounded codes stand for.</param>
    /// <param name="factor">R [inputs, inputs], upper triangle.</param>
    /// <param name="group">Weights per scale.</param>
    /// <param name="hasMinimum">Whether groups have a minimum, too.</param>
    /// <param name="options">Threads and the end of the work.</param>
    public static RoundedLinear Round(Matrix weights, Matrix factor, int group, bool hasMinimum, ParallelOptions options)
    {
        var rounded = new RoundedLinear(weights.Rows, weights.Columns, group);
        var errors = new Matrix(new float[weights.Rows * weights.Columns], weights.Rows, weights.Columns);
        for (var start = 0; start < weights.Columns; start += group)
        {
            var left = new Matrix(new float[weights.Rows * group], weights.Rows, group);
            MatrixProduct.Add(left, errors.Slice(0, weights.Rows, 0, start), factor.Slice(0, start, start, group), options);
            var (first, square) = (start, factor.Slice(start, group, start, group));
            Parallel.For(0, weights.Rows, options, row => RoundGroup(
                weights.Row(row).Slice(first, group), left.Row(row), errors.Row(row).Slice(first, group), square, rounded, row,
                first / group, hasMinimum));
        }

        return rounded;
    }

    private static void RoundGroup(
        Span<float> weights, Span<float> left, Span<float> errors, Matrix factor, RoundedLinear rounded, int row, int index,
        bool hasMinimum)
    {
        Span<float> wanted = stackalloc float[weights.Length];
        Solve(left, factor, wanted);
        TensorPrimitives.Add(wanted, weights, wanted);
        var grid = hasMinimum ? GroupGrid.Fit(wanted) : GroupGrid.FitScale(wanted);
        rounded.Set(row, index, grid);
        for (var i = 0; i < weights.Length; i++)
        {
            var code = grid.Code(weights[i] + (left[i] / factor.Row(i)[i]));
            var value = grid.Value(code);
            errors[i] = weights[i] - value;
            weights[i] = value;
            rounded.Set(row, (index * weights.Length) + i, code);
            var rest = left[(i + 1)..];
            TensorPrimitives.MultiplyAdd(factor.Row(i)[(i + 1)..], errors[i], rest, rest);
        }
    }

    /// <summary>z · factor = left, the factor being upper triangular.</summary>
    private static void Solve(ReadOnlySpan<float> left, Matrix factor, Span<float> z)
    {
        left.CopyTo(z);
        for (var i = 0; i < z.Length; i++)
        {
            z[i] /= factor.Row(i)[i];
            var rest = z[(i + 1)..];
            TensorPrimitives.MultiplyAdd(factor.Row(i)[(i + 1)..], -z[i], rest, rest);
        }
    }
}
