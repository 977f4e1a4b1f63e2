namespace Parley.ModelImporter.Safetensors;

/// <summary>Numbers of another tensor that follow each other, as a vector: the norm of one head of several.</summary>
/// <param name="whole">The tensor.</param>
/// <param name="first">The first number.</param>
/// <param name="count">How many.</param>
internal sealed class RunSource(TensorSource whole, long first, int count) : TensorSource
{
    public override ITensorFile File => whole.File;

    public override string StoredName => whole.StoredName;

    public override string TypeName => whole.TypeName;

    public override IReadOnlyList<long> Shape { get; } = [count];

    public override void Check() => whole.Check();

    public override void Read(TensorReading? reading, long start, Span<float> values) => whole.Read(reading, first + start, values);
}
