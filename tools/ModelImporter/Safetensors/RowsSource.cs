namespace Parley.ModelImporter.Safetensors;

/// <summary>Rows of another tensor, every one or every other: an expert of a stack.</summary>
/// <param name="whole">The tensor; all its dimensions but the last count as rows.</param>
/// <param name="first">The first row.</param>
/// <param name="step">Rows from one to the next.</param>
/// <param name="shape">[rows, columns], or [rows] where the tensor has a number per row.</param>
internal sealed class RowsSource(TensorSource whole, long first, int step, IReadOnlyList<long> shape) : TensorSource
{
    private readonly long _columns = shape.Count > 1 ? shape[^1] : 1;

    public override ITensorFile File => whole.File;

    public override string StoredName => whole.StoredName;

    public override string TypeName => whole.TypeName;

    public override IReadOnlyList<long> Shape => shape;

    public override StoredGrid? Grid => whole.Grid;

    public override bool IsRounded => whole.IsRounded;

    public override void Check() => whole.Check();

    public override void Read(TensorReading? reading, long start, Span<float> values)
    {
        while (values.Length > 0)
        {
            var (row, column) = (start / _columns, start % _columns);
            // Rows that follow each other are one run.
            var count = step == 1 ? values.Length : (int)Math.Min(values.Length, _columns - column);
            whole.Read(reading, ((first + (row * step)) * _columns) + column, values[..count]);
            start += count;
            values = values[count..];
        }
    }

    public override void ReadGrid(TensorReading? reading, int row, Span<byte> codes, Span<float> scales, Span<float> minimums) =>
        whole.ReadGrid(reading, checked((int)(first + ((long)row * step))), codes, scales, minimums);
}
