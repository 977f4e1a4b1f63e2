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

    /// <summary>Reads bytes as they are stored.</summary>
    /// <param name="reading">Told of the elements that they lie in; null for nobody.</param>
    /// <param name="first">Index of the first byte.</param>
    /// <param name="bytes">Takes the bytes.</param>
    public void ReadBytes(TensorReading? reading, long first, Span<byte> bytes)
    {
        var size = tensor.Elements > 0 ? Math.Max(1, tensor.Bytes / tensor.Elements) : 1;
        reading?.Invoke(file, tensor, first / size, (bytes.Length + size - 1) / size);
        file.ReadBytes(tensor, first, bytes);
    }
}
