using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Adapters;

/// <summary>An open GGUF file of factors, under llama.cpp's own names.</summary>
internal sealed class GgufAdapterFile : ITensorFile
{
    private readonly MappedFile _file;

    /// <exception cref="InvalidDataException">The file is malformed; the message names it, and the tensor or key.</exception>
    public GgufAdapterFile(string path)
    {
        Path = path;
        _file = new MappedFile(path);
        try
        {
            var header = GgufHeader.Parse(_file.Span(0, (int)Math.Min(GgufHeader.BytesMax, _file.Bytes)), _file.Bytes, path);
            (Metadata, Tensors) = (header.Metadata, header.Tensors);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public string Path { get; }

    public IReadOnlyList<StoredTensor> Tensors { get; }

    /// <summary>Values by key, as <see cref="GgufHeader.Metadata"/>.</summary>
    public IReadOnlyDictionary<string, object> Metadata { get; }

    public void Check(StoredTensor tensor)
    {
        if (TypeOf(tensor) is not { } type || GgufBlocks.SizeOf(type) is null)
            throw new InvalidDataException($"{Path}: tensor {tensor.Name} is of the type {tensor.TypeName}; convert the adapter as f32.");
    }

    public void Read(StoredTensor tensor, long first, Span<float> values)
    {
        Check(tensor);
        if (first != 0 || values.Length != tensor.Elements)
            throw new NotSupportedException("Factors are read whole.");
        GgufBlocks.Decode(TypeOf(tensor)!.Value, _file.Span(tensor.Offset, checked((int)tensor.Bytes)), values);
    }

    public void Release() => _file.Release();

    public void Dispose() => _file.Dispose();

    private static GgufType? TypeOf(StoredTensor tensor) =>
        Enum.TryParse<GgufType>(tensor.TypeName, out var type) && Enum.IsDefined(type) ? type : null;
}
