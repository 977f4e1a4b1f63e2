using System.Numerics.Tensors;

namespace Parley.ModelImporter.Calibration;

/// <summary>The factor R of a symmetric positive definite matrix H = R · Rᵀ, upper triangular: a Cholesky factor taken from the end.</summary>
internal static class UpperFactor
{
    private const int Block = 128;

    /// <summary>Damping is a share of the mean of the diagonal; it grows by ten where the matrix is not definite enough for fp32.</summary>
    private const double DampingShare = 0.01;

    private const int AttemptsMax = 4;

    /// <summary>Factors in place. What lies below the diagonal is overwritten.</summary>
    /// <param name="h">The upper triangle of H, square; becomes that of R.</param>
    /// <param name="options">Threads and the end of the work.</param>
    public static void Compute(Matrix h, ParallelOptions options)
    {
        var size = h.Rows;
        var diagonal = new float[size];
        for (var i = 0; i < size; i++)
            diagonal[i] = h.Row(i)[i];
        var mean = diagonal.Average(value => (double)value);
        Mirror(h, toLower: true, options);
        var damping = mean > 0 ? mean * DampingShare : 1;
        for (var attempt = 0; attempt < AttemptsMax; attempt++, damping *= 10)
        {
            for (var i = 0; i < size; i++)
                h.Row(i)[i] = (float)(diagonal[i] + damping);
            if (TryFactor(h, options))
                return;
            Mirror(h, toLower: false, options);
        }

        throw new InvalidDataException("The calibration text's activations are not finite.");
    }

    private static bool TryFactor(Matrix h, ParallelOptions options)
    {
        for (var end = h.Rows; end > 0;)
        {
            var start = Math.Max(0, end - Block);
            for (var row = end - 1; row >= start; row--)
            {
                var rest = h.Row(row)[row] - TensorPrimitives.SumOfSquares<float>(h.Row(row)[(row + 1)..end]);
                if (!(rest > 0) || !float.IsFinite(rest))
                    return false;
                h.Row(row)[row] = MathF.Sqrt(rest);
                for (var above = start; above < row; above++)
                    Eliminate(h, above, row, end);
            }

            var (first, last) = (start, end);
            Parallel.For(0, start, options, above =>
            {
                for (var row = last - 1; row >= first; row--)
                    Eliminate(h, above, row, last);
            });
            var panel = h.Slice(0, start, start, end - start);
            MatrixProduct.Add(h.Slice(0, start, 0, start), panel, panel.Transposed, options, alpha: -1, upperOnly: true);
            end = start;
        }

        return true;
    }

    /// <summary>The element of R at (above, row), those to its right up to <paramref name="end"/> being known.</summary>
    private static void Eliminate(Matrix h, int above, int row, int end)
    {
        var known = TensorPrimitives.Dot<float>(h.Row(above)[(row + 1)..end], h.Row(row)[(row + 1)..end]);
        h.Row(above)[row] = (h.Row(above)[row] - known) / h.Row(row)[row];
    }

    private static void Mirror(Matrix h, bool toLower, ParallelOptions options) => Parallel.For(0, h.Rows, options, row =>
    {
        for (var column = row + 1; column < h.Rows; column++)
        {
            if (toLower)
                h.Row(column)[row] = h.Row(row)[column];
            else
                h.Row(row)[column] = h.Row(column)[row];
        }
    });
}
