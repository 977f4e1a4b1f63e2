using Google.Protobuf;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Safetensors;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Exports;

/// <summary>
/// The initializers of an export that lie in one file: mapped where that is a file of weights, in memory where it is the graph.
/// </summary>
internal sealed class ExportedTensorFile : ITensorFile
{
    private readonly MappedFile? _file;
    private readonly Dictionary<string, ByteString> _inline = new(StringComparer.Ordinal);

    private ExportedTensorFile(string path, MappedFile? file, IEnumerable<TensorProto> tensors)
    {
        (Path, _file) = (path, file);
        var found = new List<StoredTensor>();
        foreach (var tensor in tensors)
        {
            var (type, size) = TypeOf(tensor);
            if (size == 0)
                continue;
            var elements = tensor.Dims.Aggregate((Int128)1, (product, dimension) => product * dimension);
            var offset = file is null ? 0 : ExportedModel.OffsetOf(tensor);
            var bytes = file is null ? tensor.RawData.Length : file.Bytes - offset;
            if (tensor.Dims.Any(dimension => dimension < 0) || elements * size > bytes || (file is null && elements * size != bytes))
            {
                throw new InvalidDataException(
                    $"{path}: tensor {tensor.Name} is {type} [{string.Join(", ", tensor.Dims)}], more or less than the {bytes} bytes "
                    + "of it.");
            }

            if (file is null)
                _inline[tensor.Name] = tensor.RawData;
            found.Add(new StoredTensor(tensor.Name, type, [.. tensor.Dims], offset, (long)(elements * size)));
        }

        Tensors = [.. found.OrderBy(tensor => tensor.Offset)];
    }

    public string Path { get; }

    public IReadOnlyList<StoredTensor> Tensors { get; }

    /// <summary>Opens the files of an export's weights, the graph the first.</summary>
    /// <exception cref="InvalidDataException">A tensor does not lie within its file, or two have one name.</exception>
    public static IReadOnlyList<ITensorFile> OpenAll(ExportedModel model)
    {
        var files = new List<ITensorFile>();
        try
        {
            if (model.Graph.Initializer.GroupBy(tensor => tensor.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
                throw new InvalidDataException($"{model.Path}: two tensors are named {twice.Key}.");
            files.Add(new ExportedTensorFile(model.Path, null, model.Graph.Initializer.Where(tensor => tensor.HasRawData)));
            foreach (var group in model.Graph.Initializer.Where(ExportedModel.IsExternal).GroupBy(ExportedModel.FileOf))
            {
                var path = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(model.Path)!, group.Key);
                var mapped = new MappedFile(path);
                try
                {
                    files.Add(new ExportedTensorFile(path, mapped, group));
                }
                catch
                {
                    mapped.Dispose();
                    throw;
                }
            }

            return files;
        }
        catch
        {
            foreach (var file in files)
                file.Dispose();
            throw;
        }
    }

    public void Check(StoredTensor tensor) => _ = Float(tensor);

    public void Read(StoredTensor tensor, long first, Span<float> values)
    {
        var type = Float(tensor);
        var size = type == SafetensorsType.Float32 ? sizeof(float) : sizeof(ushort);
        FloatDecoder.Decode(type, Bytes(tensor, first * size, values.Length * size), values);
    }

    public void ReadBytes(StoredTensor tensor, long first, Span<byte> bytes) => Bytes(tensor, first, bytes.Length).CopyTo(bytes);

    public void Release() => _file?.Release();

    public void Dispose() => _file?.Dispose();

    private static (string Type, int Bytes) TypeOf(TensorProto tensor) => tensor.DataType switch
    {
        DataType.Float => ("F32", 4),
        DataType.Float16 => ("F16", 2),
        DataType.Bfloat16 => ("BF16", 2),
        DataType.Uint8 => ("U8", 1),
        DataType.Int8 => ("I8", 1),
        _ => ("", 0),
    };

    private SafetensorsType Float(StoredTensor tensor) => tensor.TypeName switch
    {
        "F32" => SafetensorsType.Float32,
        "F16" => SafetensorsType.Float16,
        "BF16" => SafetensorsType.BFloat16,
        _ => throw new InvalidDataException($"{Path}: tensor {tensor.Name} is {tensor.TypeName}, not one of F32, F16, BF16."),
    };

    private ReadOnlySpan<byte> Bytes(StoredTensor tensor, long first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + count, tensor.Bytes);
        return _file is null ? _inline[tensor.Name].Span.Slice((int)first, count) : _file.Span(tensor.Offset + first, count);
    }
}
