using System.Numerics.Tensors;
using System.Text.Json;

namespace Parley.ModelImporter.Safetensors;

/// <summary>The tensors of a checkpoint folder by name, over one file or several shards.</summary>
internal sealed class CheckpointTensors : IDisposable
{
    private const string SingleName = "model.safetensors";
    private const string IndexName = "model.safetensors.index.json";
    private const long IndexBytesMax = 64 << 20;
    private const int ShardsMax = 10_000;

    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, (SafetensorsFile File, SafetensorsTensor Tensor)> _tensors = new(StringComparer.Ordinal);

    private CheckpointTensors(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>Names of all tensors.</summary>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <summary>Names of the files that hold the weights of a folder: the index (if any) and the shards.</summary>
    /// <exception cref="InvalidDataException">The folder has no weights in safetensors form, or its index is malformed.</exception>
    public static IReadOnlyList<string> FileNames(string folder)
    {
        if (File.Exists(Path.Combine(folder, SingleName)))
            return [SingleName];
        var index = Path.Combine(folder, IndexName);
        if (!File.Exists(index))
            throw new InvalidDataException(
                $"{folder}: neither {SingleName} nor {IndexName} is there; only safetensors checkpoints are imported.");
        return [IndexName, .. ReadIndex(index).Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>A checkpoint without weights: enough to plan a graph, and to learn how large it is.</summary>
    public static CheckpointTensors None(string folder) => new(folder);

    /// <summary>Opens the weights of a checkpoint folder.</summary>
    /// <exception cref="InvalidDataException">A file is missing or malformed; the message names it and the tensor or field.</exception>
    public static CheckpointTensors Open(string folder)
    {
        var tensors = new CheckpointTensors(folder);
        try
        {
            foreach (var name in FileNames(folder).Where(name => name != IndexName))
                tensors.Add(Path.Combine(folder, name));
            if (!File.Exists(Path.Combine(folder, SingleName)))
                tensors.CheckIndex(Path.Combine(folder, IndexName));
            return tensors;
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    public bool Contains(string name) => _tensors.ContainsKey(name);

    /// <summary>Where a tensor lies.</summary>
    /// <exception cref="InvalidDataException">There is none of this name.</exception>
    public SafetensorsTensor Find(string name) => Entry(name).Tensor;

    /// <summary>Checks that a tensor is there, can be read, and has a shape.</summary>
    /// <exception cref="InvalidDataException">It is not, cannot or has not.</exception>
    public void Check(string name, params ReadOnlySpan<long> shape)
    {
        var (file, tensor) = Entry(name);
        _ = file.TypeOf(tensor);
        if (!shape.SequenceEqual(tensor.Shape.ToArray()))
        {
            throw new InvalidDataException(
                $"{file.Path}: tensor {name} has the shape {tensor.ShapeText}; "
                + $"config.json asks for [{string.Join(", ", shape.ToArray())}].");
        }
    }

    /// <summary>Reads elements as fp32, from any thread.</summary>
    /// <exception cref="InvalidDataException">A weight is infinite or not a number.</exception>
    public void Read(string name, long first, Span<float> values)
    {
        var (file, tensor) = Entry(name);
        file.Read(tensor, first, values);
        if (values.Length > 0 && !float.IsFinite(TensorPrimitives.MaxMagnitude(values)))
            throw new InvalidDataException($"{file.Path}: tensor {name} holds a weight that is infinite or not a number.");
    }

    /// <summary>
    /// Gives back the memory of pages that were read, so that a process that walks through a model never holds all of it.
    /// </summary>
    public void Release()
    {
        foreach (var file in _files)
            file.Release();
    }

    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }

    private (SafetensorsFile File, SafetensorsTensor Tensor) Entry(string name) =>
        _tensors.TryGetValue(name, out var entry) ? entry : throw new InvalidDataException($"{Folder}: tensor {name} is missing.");

    private void Add(string path)
    {
        if (!File.Exists(path))
            throw new InvalidDataException($"{path}: the shard is missing.");
        var file = new SafetensorsFile(path);
        _files.Add(file);
        foreach (var tensor in file.Tensors)
        {
            if (!_tensors.TryAdd(tensor.Name, (file, tensor)))
                throw new InvalidDataException($"{path}: tensor {tensor.Name} is also in {_tensors[tensor.Name].File.Path}.");
        }
    }

    private void CheckIndex(string index)
    {
        foreach (var (name, shard) in ReadIndex(index))
        {
            if (!_tensors.TryGetValue(name, out var entry) || Path.GetFileName(entry.File.Path) != shard)
                throw new InvalidDataException($"{index}: weight_map places tensor {name} in {shard}, which does not hold it.");
        }
    }

    private static Dictionary<string, string> ReadIndex(string path)
    {
        if (new FileInfo(path).Length > IndexBytesMax)
            throw new InvalidDataException($"{path}: more than {IndexBytesMax} bytes.");
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { MaxDepth = 16 });
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{path}: weight_map is missing.");
            var shards = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var property in map.EnumerateObject())
            {
                var shard = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : "";
                if (shard.Length == 0 || shard != Path.GetFileName(shard) || !shard.EndsWith(".safetensors", StringComparison.Ordinal))
                    throw new InvalidDataException(
                        $"{path}: weight_map.{property.Name} is not the name of a safetensors file in this folder.");
                if (!shards.TryAdd(property.Name, shard))
                    throw new InvalidDataException($"{path}: weight_map names {property.Name} twice.");
            }

            if (shards.Count == 0 || shards.Values.Distinct().Count() > ShardsMax)
                throw new InvalidDataException($"{path}: weight_map names no shard, or more than {ShardsMax}.");
            return shards;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }
    }
}
