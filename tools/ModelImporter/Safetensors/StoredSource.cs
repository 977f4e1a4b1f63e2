namespace Parley.ModelImporter.Safetensors;

/// <summary>A tensor as it is stored.</summary>
internal sealed class StoredSource(ITensorFile file, StoredTensor tensor) : TensorSource
{
    public override ITensorFile File => file;

    public StoredTensor Tensor => tensor;

    public override string StoredName => tensor.Name;

    public override string TypeName => tensor.TypeName;

    public override IReadOnlyList<long> Shape => tensor.Shape;

    public override StoredGrid? Grid => file.GridOf(tensor);

    public override void Check() => file.Check(tensor);

    public override void Read(TensorReading? reading, long first, Span<float> values)
    {
        reading?.Invoke(file, tensor, first, values.Length);
        file.Read(tensor, first, values);
    }

    public override void ReadGrid(TensorReading? reading, int row, Span<byte> codes, Span<float> scales, Span<float> minimums)
    {
        reading?.Invoke(file, tensor, row * tensor.Shape[^1], tensor.Shape[^1]);
        file.ReadGrid(tensor, row, codes, scales, minimums);
    }

    /// <summary>Reads elements of one byte as they are stored.</summary>
    public void ReadBytes(TensorReading? reading, long first, Span<byte> bytes)
    {
        reading?.Invoke(file, tensor, first, bytes.Length);
        file.ReadBytes(tensor, first, bytes);
    }
}
