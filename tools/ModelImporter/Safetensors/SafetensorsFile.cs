namespace Parley.ModelImporter.Safetensors;

/// <summary>
/// An open <c>.safetensors</c> file, mapped into memory: tensors are read where they lie, so a model of any size costs no memory of its
/// own.
/// </summary>
internal sealed class SafetensorsFile : ITensorFile
{
    private const int PrefixBytes = 8;

    private readonly MappedFile _file;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="InvalidDataException">The file is malformed; the message names it, the tensor and the field.</exception>
    public SafetensorsFile(string path)
    {
        Path = path;
        _file = new MappedFile(path);
        try
        {
            var prefix = _file.Span(0, (int)Math.Min(PrefixBytes, _file.Bytes));
            var header = _file.Span(PrefixBytes, SafetensorsHeader.ReadLength(prefix, _file.Bytes, path)).ToArray();
            Tensors = SafetensorsHeader.Parse(header, _file.Bytes, path);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public string Path { get; }

    public IReadOnlyList<StoredTensor> Tensors { get; }

    /// <summary>The element type of a tensor.</summary>
    /// <exception cref="InvalidDataException">The type is none of F32, F16, BF16.</exception>
    public SafetensorsType TypeOf(StoredTensor tensor) => tensor.TypeName switch
    {
        "F32" => SafetensorsType.Float32,
        "F16" => SafetensorsType.Float16,
        "BF16" => SafetensorsType.BFloat16,
        _ => throw new InvalidDataException($"{Path}: tensor {tensor.Name}: dtype {tensor.TypeName} is not one of F32, F16, BF16."),
    };

    public void Check(StoredTensor tensor) => _ = TypeOf(tensor);

    public void Read(StoredTensor tensor, long first, Span<float> values)
    {
        var type = TypeOf(tensor);
        var size = type == SafetensorsType.Float32 ? sizeof(float) : sizeof(ushort);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((first + values.Length) * size, tensor.Bytes);
        FloatDecoder.Decode(type, _file.Span(tensor.Offset + (first * size), values.Length * size), values);
    }

    public void ReadBytes(StoredTensor tensor, long first, Span<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + bytes.Length, tensor.Bytes);
        _file.Span(tensor.Offset + first, bytes.Length).CopyTo(bytes);
    }

    public void Release() => _file.Release();

    public void Dispose() => _file.Dispose();
}
