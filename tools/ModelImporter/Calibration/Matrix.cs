namespace Parley.ModelImporter.Calibration;

/// <summary>A view of numbers in an array.</summary>
/// <param name="Data">The array.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Columns">Columns.</param>
/// <param name="RowStride">Elements from one row to the next.</param>
/// <param name="ColumnStride">Elements from one column to the next.</param>
/// <param name="Start">Index of the first element.</param>
internal readonly record struct Matrix(float[] Data, int Rows, int Columns, int RowStride, int ColumnStride = 1, int Start = 0)
{
    public Matrix(float[] data, int rows, int columns)
        : this(data, rows, columns, columns)
    {
    }

    public Matrix Transposed => new(Data, Columns, Rows, ColumnStride, RowStride, Start);

    public Matrix Slice(int row, int rows, int column, int columns) =>
        this with { Rows = rows, Columns = columns, Start = Start + (row * RowStride) + (column * ColumnStride) };

    /// <summary>A row of a matrix whose columns lie side by side.</summary>
    public Span<float> Row(int row) => Data.AsSpan(Start + (row * RowStride), Columns);
}
