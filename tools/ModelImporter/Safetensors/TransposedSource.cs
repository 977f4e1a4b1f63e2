namespace Parley.ModelImporter.Safetensors;

/// <summary>
/// One matrix of a stack [matrices, inputs, outputs], read as [outputs, inputs]. It is transposed whole when its first row is asked for;
/// of all such matrices of a checkpoint the last few are held, so that each number is read once and memory does not grow with the model.
/// </summary>
/// <param name="stack">The stack.</param>
/// <param name="index">The matrix.</param>
/// <param name="held">Those of the checkpoint that are held.</param>
internal sealed class TransposedSource(TensorSource stack, int index, TransposedMatrices held) : TensorSource
{
    public override ITensorFile File => stack.File;

    public override string StoredName => stack.StoredName;

    public override string TypeName => stack.TypeName;

    public override IReadOnlyList<long> Shape { get; } = [stack.Shape[2], stack.Shape[1]];

    public override bool IsRounded => stack.IsRounded;

    public override void Check() => stack.Check();

    public override void Read(TensorReading? reading, long first, Span<float> values) =>
        held.Get(this, () => Transpose(reading)).AsSpan(checked((int)first), values.Length).CopyTo(values);

    private float[] Transpose(TensorReading? reading)
    {
        var (rows, columns) = (checked((int)Shape[0]), checked((int)Shape[1]));
        var transposed = new float[checked(rows * columns)];
        var row = new float[rows];
        for (var column = 0; column < columns; column++)
        {
            stack.Read(reading, (((long)index * columns) + column) * rows, row);
            for (var i = 0; i < rows; i++)
                transposed[(i * columns) + column] = row[i];
        }

        return transposed;
    }
}
