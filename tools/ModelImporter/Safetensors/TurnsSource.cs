namespace Parley.ModelImporter.Safetensors;

/// <summary>Rows of another tensor that come in runs with others between them: one of several matrices whose rows take turns.</summary>
/// <param name="whole">The tensor; all its dimensions but the last count as rows.</param>
/// <param name="first">The first row.</param>
/// <param name="run">Rows of a run.</param>
/// <param name="step">Rows from the beginning of a run to that of the next.</param>
/// <param name="shape">[rows, columns], or [rows] where the tensor has a number per row.</param>
internal sealed class TurnsSource(TensorSource whole, long first, int run, int step, IReadOnlyList<long> shape) : TensorSource
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
        var length = run * _columns;
        while (values.Length > 0)
        {
            var count = (int)Math.Min(values.Length, length - (start % length));
            whole.Read(reading, ((first + (start / length * step)) * _columns) + (start % length), values[..count]);
            start += count;
            values = values[count..];
        }
    }

    public override void ReadGrid(TensorReading? reading, int row, Span<byte> codes, Span<float> scales, Span<float> minimums) =>
        whole.ReadGrid(reading, checked((int)(first + ((long)row / run * step) + (row % run))), codes, scales, minimums);
}
