using Parley.ModelImporter.Calibration;

namespace Parley.ModelImporter.Tests.Calibration;

public sealed class MatrixProductTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(8, 32, 256)]
    [InlineData(7, 31, 3)]
    [InlineData(150, 70, 300)]
    [InlineData(300, 600, 257)]
    [InlineData(5, 40, 0)]
    public void Add_AnySizes_IsThePlainProduct(int rows, int columns, int depth)
    {
        var random = new Random(rows);
        var (a, b) = (Random(random, rows, depth), Random(random, depth, columns));
        foreach (var (left, right) in new[] { (a, b), (Turned(a), b), (a, Turned(b)), (Turned(a), Turned(b)) })
        {
            var (serial, parallel) = (Filled(rows, columns), Filled(rows, columns));
            MatrixProduct.Add(serial, left, right, alpha: -2);
            MatrixProduct.Add(parallel, left, right, new ParallelOptions(), alpha: -2);
            for (var r = 0; r < rows; r++)
            {
                for (var c = 0; c < columns; c++)
                {
                    var expected = 1 - (2 * Enumerable.Range(0, depth).Sum(k => (double)a.Row(r)[k] * b.Row(k)[c]));
                    Assert.Equal(expected, serial.Row(r)[c], 1e-4);
                }

                Assert.Equal(serial.Row(r), parallel.Row(r));
            }
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(64)]
    [InlineData(701)]
    public void Add_UpperOnly_LeavesTheRestAsItWas(int size)
    {
        var a = Random(new Random(size), size, 40);
        var (whole, upper) = (Filled(size, size), Filled(size, size));

        MatrixProduct.Add(whole, a, a.Transposed);
        MatrixProduct.Add(upper, a, a.Transposed, new ParallelOptions(), upperOnly: true);

        for (var r = 0; r < size; r++)
        {
            for (var c = 0; c < size; c++)
                Assert.Equal(c < r ? 1 : whole.Row(r)[c], upper.Row(r)[c], 1e-4f);
        }
    }

    private static Matrix Random(Random random, int rows, int columns) =>
        new([.. Enumerable.Range(0, rows * columns).Select(_ => random.NextSingle() - 0.5f)], rows, columns);

    private static Matrix Filled(int rows, int columns) => new([.. Enumerable.Repeat(1f, rows * columns)], rows, columns);

    /// <summary>The same numbers, stored column by column.</summary>
    private static Matrix Turned(Matrix matrix)
    {
        var turned = new Matrix(new float[matrix.Rows * matrix.Columns], matrix.Columns, matrix.Rows);
        for (var r = 0; r < matrix.Rows; r++)
        {
            for (var c = 0; c < matrix.Columns; c++)
                turned.Row(c)[r] = matrix.Row(r)[c];
        }

        return turned.Transposed;
    }
}
