using System.Buffers;
using System.Runtime.Intrinsics;

namespace Parley.ModelImporter.Calibration;

/// <summary>
/// C += a · A · B in fp32: both factors are copied into panels that lie in the caches, and tiles of 8 × 32 are summed in registers.
/// The vectors are of 512 bits; a processor with shorter ones computes them in halves.
/// </summary>
internal static unsafe class MatrixProduct
{
    private const int TileRows = 8;
    private const int TileColumns = 32;
    private const int Depth = 256;
    private const int BlockRows = 128;
    private const int BlockColumns = 512;
    private const int RowsPerTaskMin = 128;

    /// <summary>Adds a product, its rows shared out to threads. The result does not depend on their number.</summary>
    /// <param name="c">Takes the product [M, N]; its columns lie side by side.</param>
    /// <param name="a">First factor [M, K].</param>
    /// <param name="b">Second factor [K, N].</param>
    /// <param name="alpha">Factor.</param>
    /// <param name="upperOnly">Leaves what is below the diagonal of <paramref name="c"/> as it was.</param>
    /// <param name="options">Threads and the end of the work.</param>
    public static void Add(Matrix c, Matrix a, Matrix b, ParallelOptions options, float alpha = 1, bool upperOnly = false)
    {
        if (c.Rows == 0 || c.Columns == 0)
            return;
        var tasks = Math.Max(1, Math.Min(c.Rows / RowsPerTaskMin, 4 * Environment.ProcessorCount));
        var rows = ((c.Rows + tasks - 1) / tasks + TileRows - 1) / TileRows * TileRows;
        Parallel.For(0, (c.Rows + rows - 1) / rows, options, task =>
        {
            var first = task * rows;
            var count = Math.Min(rows, c.Rows - first);
            var column = upperOnly ? first : 0;
            Add(c.Slice(first, count, column, c.Columns - column), a.Slice(first, count, 0, a.Columns),
                b.Slice(0, b.Rows, column, b.Columns - column), alpha, upperOnly);
        });
    }

    /// <summary>The same on the caller's thread.</summary>
    public static void Add(Matrix c, Matrix a, Matrix b, float alpha = 1, bool upperOnly = false)
    {
        var panelA = ArrayPool<float>.Shared.Rent(BlockRows * Depth);
        var panelB = ArrayPool<float>.Shared.Rent(BlockColumns * Depth);
        fixed (float* pointerC = c.Data, pointerA = panelA, pointerB = panelB)
        {
            var origin = pointerC + c.Start;
            for (var k = 0; k < a.Columns; k += Depth)
            {
                var depth = Math.Min(Depth, a.Columns - k);
                for (var column = 0; column < c.Columns; column += BlockColumns)
                {
                    var columns = Math.Min(BlockColumns, c.Columns - column);
                    PackColumns(b.Slice(k, depth, column, columns), pointerB);
                    for (var row = 0; row < c.Rows; row += BlockRows)
                    {
                        if (upperOnly && row > column + columns)
                            break;
                        var rows = Math.Min(BlockRows, c.Rows - row);
                        PackRows(a.Slice(row, rows, k, depth), alpha, pointerA);
                        AddBlock(origin + ((nint)row * c.RowStride) + column, c.RowStride, rows, columns, depth, pointerA, pointerB,
                            upperOnly ? column - row : int.MaxValue);
                    }
                }
            }
        }

        ArrayPool<float>.Shared.Return(panelA);
        ArrayPool<float>.Shared.Return(panelB);
    }

    /// <param name="diagonal">Column minus row of the block's first element; what is below the diagonal is left out.</param>
    private static void AddBlock(
        float* c, int stride, int rows, int columns, int depth, float* panelA, float* panelB, int diagonal)
    {
        var edge = stackalloc float[TileRows * TileColumns];
        for (var column = 0; column < columns; column += TileColumns)
        {
            for (var row = 0; row < rows; row += TileRows)
            {
                if (diagonal != int.MaxValue && row > column + diagonal + TileColumns)
                    break;
                var target = c + ((nint)row * stride) + column;
                var (height, width) = (Math.Min(TileRows, rows - row), Math.Min(TileColumns, columns - column));
                var crossesDiagonal = diagonal != int.MaxValue && row + TileRows > column + diagonal;
                if (height == TileRows && width == TileColumns && !crossesDiagonal)
                {
                    AddTile(target, stride, depth, panelA + (row * depth), panelB + (column * depth));
                    continue;
                }

                new Span<float>(edge, TileRows * TileColumns).Clear();
                AddTile(edge, TileColumns, depth, panelA + (row * depth), panelB + (column * depth));
                for (var r = 0; r < height; r++)
                {
                    for (var i = crossesDiagonal ? Math.Max(0, row + r - column - diagonal) : 0; i < width; i++)
                        target[((nint)r * stride) + i] += edge[(r * TileColumns) + i];
                }
            }
        }
    }

    /// <summary>Sixteen sums, two vectors of B and a broadcast element of A: nineteen registers of thirty-two.</summary>
    private static void AddTile(float* c, int stride, int depth, float* a, float* b)
    {
        Vector512<float> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default;
        Vector512<float> c31 = default, c40 = default, c41 = default, c50 = default, c51 = default, c60 = default, c61 = default;
        Vector512<float> c70 = default, c71 = default;
        for (var k = 0; k < depth; k++, a += TileRows, b += TileColumns)
        {
            var (b0, b1) = (Vector512.Load(b), Vector512.Load(b + 16));
            var x = Vector512.Create(a[0]);
            c00 = Vector512.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(x, b1, c01);
            x = Vector512.Create(a[1]);
            c10 = Vector512.FusedMultiplyAdd(x, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(x, b1, c11);
            x = Vector512.Create(a[2]);
            c20 = Vector512.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(x, b1, c21);
            x = Vector512.Create(a[3]);
            c30 = Vector512.FusedMultiplyAdd(x, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(x, b1, c31);
            x = Vector512.Create(a[4]);
            c40 = Vector512.FusedMultiplyAdd(x, b0, c40);
            c41 = Vector512.FusedMultiplyAdd(x, b1, c41);
            x = Vector512.Create(a[5]);
            c50 = Vector512.FusedMultiplyAdd(x, b0, c50);
            c51 = Vector512.FusedMultiplyAdd(x, b1, c51);
            x = Vector512.Create(a[6]);
            c60 = Vector512.FusedMultiplyAdd(x, b0, c60);
            c61 = Vector512.FusedMultiplyAdd(x, b1, c61);
            x = Vector512.Create(a[7]);
            c70 = Vector512.FusedMultiplyAdd(x, b0, c70);
            c71 = Vector512.FusedMultiplyAdd(x, b1, c71);
        }

        AddRow(ref c, stride, c00, c01);
        AddRow(ref c, stride, c10, c11);
        AddRow(ref c, stride, c20, c21);
        AddRow(ref c, stride, c30, c31);
        AddRow(ref c, stride, c40, c41);
        AddRow(ref c, stride, c50, c51);
        AddRow(ref c, stride, c60, c61);
        AddRow(ref c, stride, c70, c71);
    }

    private static void AddRow(ref float* c, int stride, Vector512<float> left, Vector512<float> right)
    {
        Vector512.Store(Vector512.Load(c) + left, c);
        Vector512.Store(Vector512.Load(c + 16) + right, c + 16);
        c += stride;
    }

    /// <summary>Panels of eight rows, [k][row]; rows that are missing are zero.</summary>
    private static void PackRows(Matrix a, float alpha, float* panel)
    {
        var first = 0;
        fixed (float* data = a.Data)
        {
            if (a.RowStride == 1)
            {
                // Along the memory: a stride of a power of two would put a whole panel into a few sets of the cache.
                first = a.Rows / TileRows * TileRows;
                for (var k = 0; k < a.Columns; k++)
                {
                    var source = data + a.Start + ((nint)k * a.ColumnStride);
                    for (var row = 0; row < first; row += TileRows)
                        Vector256.Store(alpha * Vector256.Load(source + row), panel + (row * a.Columns) + (k * TileRows));
                }
            }

            for (var row = first; row < a.Rows; row += TileRows)
            {
                var target = panel + (row * a.Columns);
                for (var r = 0; r < TileRows; r++)
                {
                    var source = data + a.Start + ((nint)(row + r) * a.RowStride);
                    for (var k = 0; k < a.Columns; k++)
                        target[(k * TileRows) + r] = row + r < a.Rows ? alpha * source[(nint)k * a.ColumnStride] : 0;
                }
            }
        }
    }

    /// <summary>Panels of 32 columns, [k][column]; columns that are missing are zero.</summary>
    private static void PackColumns(Matrix b, float* panel)
    {
        var first = 0;
        fixed (float* data = b.Data)
        {
            if (b.ColumnStride == 1)
            {
                first = b.Columns / TileColumns * TileColumns;
                for (var k = 0; k < b.Rows; k++)
                {
                    var source = data + b.Start + ((nint)k * b.RowStride);
                    for (var column = 0; column < first; column += TileColumns)
                    {
                        var target = panel + (column * b.Rows) + (k * TileColumns);
                        Vector512.Store(Vector512.Load(source + column), target);
                        Vector512.Store(Vector512.Load(source + column + 16), target + 16);
                    }
                }
            }

            for (var column = first; column < b.Columns; column += TileColumns)
            {
                var target = panel + (column * b.Rows);
                var width = Math.Min(TileColumns, b.Columns - column);
                new Span<float>(target, TileColumns * b.Rows).Clear();
                for (var i = 0; i < width; i++)
                {
                    var source = data + b.Start + ((nint)(column + i) * b.ColumnStride);
                    for (var k = 0; k < b.Rows; k++, source += b.RowStride)
                        target[(k * TileColumns) + i] = *source;
                }
            }
        }
    }
}
