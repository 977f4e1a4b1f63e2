namespace Parley.ModelImporter.Safetensors;

/// <summary>A tensor of one number that a file has among its metadata.</summary>
/// <param name="file">The file.</param>
/// <param name="name">Where it says so.</param>
/// <param name="number">The number.</param>
/// <param name="shape">[1], or empty for a scalar.</param>
internal sealed class NumberSource(ITensorFile file, string name, float number, IReadOnlyList<long> shape) : TensorSource
{
    public override ITensorFile File => file;

    public override string StoredName => name;

    public override string TypeName => "F32";

    public override IReadOnlyList<long> Shape => shape;

    public override void Check()
    {
    }

    public override void Read(TensorReading? reading, long first, Span<float> values) => values.Fill(number);
}
