using System.Numerics.Tensors;
using System.Text.Json;
using Parley.ModelImporter.Gguf;

namespace Parley.ModelImporter.Safetensors;

/// <summary>The tensors of a checkpoint by name, over one file or several shards.</summary>
internal sealed class CheckpointTensors : IDisposable
{
    private const string SingleName = "model.safetensors";
    private const string IndexName = "model.safetensors.index.json";
    private const string GgufEnding = ".gguf";
    private const long IndexBytesMax = 64 << 20;
    private const int ShardsMax = 10_000;

    private static readonly string[] PickleEndings = [".bin", ".pt", ".pth", ".ckpt", ".pkl"];

    private readonly List<ITensorFile> _files = [];
    private readonly Dictionary<string, TensorSource> _tensors = new(StringComparer.Ordinal);

    private CheckpointTensors(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>Names of all tensors.</summary>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <summary>Told of elements that are about to be read (file, tensor, first, count), from any thread.</summary>
    public TensorReading? Reading { get; set; }

    /// <summary>The GGUF file that the weights come from, the first of several; null where they are safetensors.</summary>
    public GgufFile? Gguf => _files is [GgufFile file, ..] ? file : null;

    /// <summary>The folder of a source, which is a folder or a GGUF file.</summary>
    public static string FolderOf(string source) =>
        IsGguf(source) && SourceFile.Exists(source) ? Path.GetDirectoryName(Path.GetFullPath(source))! : source;

    /// <summary>Whether the weights of a source are a GGUF file: it is one, or a folder with one and no safetensors.</summary>
    public static bool AreGguf(string source) => FolderOf(source) != source
        || !SourceFile.Exists(Path.Combine(source, SingleName)) && !SourceFile.Exists(Path.Combine(source, IndexName))
            && CheckpointFiles.Names(source).Any(IsGguf);

    /// <summary>Names of the files that hold the weights of a source: the index (if any) and the shards, or the GGUF file.</summary>
    /// <exception cref="InvalidDataException">The source has no weights in either form, or its index is malformed.</exception>
    public static IReadOnlyList<string> FileNames(string source)
    {
        if (FolderOf(source) != source)
            return GgufSplit.Names(Path.GetFileName(source));
        if (SourceFile.Exists(Path.Combine(source, SingleName)))
            return [SingleName];
        var index = Path.Combine(source, IndexName);
        if (SourceFile.Exists(index))
            return [IndexName, .. ReadIndex(index).Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        string[] files = [.. CheckpointFiles.Names(source).Where(IsGguf)];
        if (files.Select(file => GgufSplit.Names(file)[0]).Distinct(StringComparer.Ordinal).ToArray() is [var first])
            return GgufSplit.Names(first);
        throw files.Length == 0
            ? NoWeights(source)
            : new InvalidDataException($"{source}: several {GgufEnding} files are there; name one of them: "
                + $"{string.Join(", ", files.Order(StringComparer.Ordinal))}.");
    }

    /// <summary>A checkpoint without weights: enough to plan a graph, and to learn how large it is.</summary>
    public static CheckpointTensors None(string folder) => new(folder);

    /// <summary>The tensors of some open files, which are its own from then on.</summary>
    /// <exception cref="InvalidDataException">Two have the same name; the message names both files.</exception>
    public static CheckpointTensors Of(string folder, IEnumerable<ITensorFile> files)
    {
        var tensors = new CheckpointTensors(folder);
        tensors._files.AddRange(files);
        try
        {
            foreach (var file in tensors._files)
                tensors.AddTensors(file);
            return tensors;
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    /// <summary>Opens the weights of a source, which is a checkpoint folder or a GGUF file.</summary>
    /// <exception cref="InvalidDataException">A file is missing or malformed; the message names it and the tensor or field.</exception>
    public static CheckpointTensors Open(string source)
    {
        var folder = FolderOf(source);
        var tensors = new CheckpointTensors(folder);
        try
        {
            var names = FileNames(source);
            tensors.AddAll([.. names.Where(name => name != IndexName).Select(name => Path.Combine(folder, name))]);
            if (names.Contains(IndexName))
                tensors.CheckIndex(Path.Combine(folder, IndexName));
            return tensors;
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    /// <summary>Gives tensors other names.</summary>
    /// <exception cref="InvalidDataException">Two tensors would have the same name; the message names both.</exception>
    public void Rename(Func<string, string> rename)
    {
        foreach (var name in _tensors.Keys.ToArray())
        {
            var renamed = rename(name);
            if (renamed == name)
                continue;
            if (!_tensors.TryAdd(renamed, _tensors[name]))
                throw new InvalidDataException($"{_tensors[name].File.Path}: tensors {name} and {renamed} stand for the same weights.");
            _tensors.Remove(name);
        }
    }

    /// <summary>Puts weights that lie in another tensor under a name of their own.</summary>
    /// <exception cref="InvalidDataException">The name is taken; the message names both.</exception>
    public void Add(string name, TensorSource source)
    {
        if (!_tensors.TryAdd(name, source))
        {
            throw new InvalidDataException(
                $"{source.File.Path}: tensors {source.StoredName} and {name} stand for the same weights.");
        }
    }

    /// <summary>Puts other weights under a name that is there.</summary>
    public void Replace(string name, TensorSource source)
    {
        _ = Source(name);
        _tensors[name] = source;
    }

    /// <summary>Keeps a file open with the others whose tensors are put under names of these; it is closed with them.</summary>
    public void Join(ITensorFile file)
    {
        if (!_files.Contains(file))
            _files.Add(file);
    }

    /// <summary>Matrices that were transposed last.</summary>
    public TransposedMatrices Transposed { get; } = new();

    /// <summary>Leaves a tensor out, so that nobody asks what it is for.</summary>
    public void Remove(string name) => _tensors.Remove(name);

    public bool Contains(string name) => _tensors.ContainsKey(name);

    /// <summary>Checks that a tensor is there, can be read, and has a shape.</summary>
    /// <exception cref="InvalidDataException">It is not, cannot or has not.</exception>
    public void Check(string name, params ReadOnlySpan<long> shape)
    {
        var source = Source(name);
        source.Check();
        if (!shape.SequenceEqual(source.Shape.ToArray()))
        {
            throw new InvalidDataException(
                $"{source.File.Path}: tensor {name} has the shape {source.ShapeText}; "
                + $"config.json asks for [{string.Join(", ", shape.ToArray())}].");
        }
    }

    /// <summary>
    /// From now on what is read is hashed, too. Where a file orders rows its own way the place is not exact, which costs nothing: whatever
    /// nobody came near is hashed in the end.
    /// </summary>
    public void HashWhileReading(SourceDigest digest)
    {
        var digests = _files.ToDictionary(file => file, file => digest.Of(file.Path));
        Reading = (file, tensor, first, count) =>
        {
            var bytesPerElement = (double)tensor.Bytes / tensor.Elements;
            digests[file].Touch(tensor.Offset + (long)(first * bytesPerElement), (long)(count * bytesPerElement));
        };
    }

    /// <summary>Reads elements as fp32, from any thread.</summary>
    /// <exception cref="InvalidDataException">A weight is infinite or not a number.</exception>
    public void Read(string name, long first, Span<float> values)
    {
        var source = Source(name);
        source.Read(Reading, first, values);
        if (values.Length > 0 && !float.IsFinite(TensorPrimitives.MaxMagnitude(values)))
            throw new InvalidDataException($"{source.File.Path}: tensor {name} holds a weight that is infinite or not a number.");
    }

    /// <summary>The grid that a tensor was rounded to before it was stored; null where it was not.</summary>
    public StoredGrid? GridOf(string name) => _tensors.GetValueOrDefault(name)?.Grid;

    /// <summary>Whether a tensor was rounded before it was stored, on a grid or otherwise.</summary>
    public bool IsRounded(string name) => _tensors.GetValueOrDefault(name)?.IsRounded ?? false;

    /// <summary>Reads a row of codes, see <see cref="ITensorFile.ReadGrid"/>.</summary>
    public void ReadGrid(string name, int row, Span<byte> codes, Span<float> scales, Span<float> minimums) =>
        Source(name).ReadGrid(Reading, row, codes, scales, minimums);

    /// <summary>Element type of a tensor as its file names it.</summary>
    public string TypeOf(string name) => Source(name).TypeName;

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

    private static InvalidDataException NoWeights(string source)
    {
        var pickles = CheckpointFiles.Names(source)
            .Where(name => PickleEndings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal)))
            .Order(StringComparer.Ordinal).ToList();
        var found = pickles.Count == 0 ? "" : $" {pickles[0]}{(pickles.Count > 1 ? $" and {pickles.Count - 1} more are" : " is")} pickled, "
            + "and to read a pickle is to run the code in it: save the model anew with transformers (save_pretrained writes safetensors).";
        return new InvalidDataException(
            $"{source}: neither {SingleName} nor {IndexName} nor a {GgufEnding} file is there; only such checkpoints are imported.{found}");
    }

    private static bool IsGguf(string path) => path.EndsWith(GgufEnding, StringComparison.OrdinalIgnoreCase);

    /// <summary>Where the weights of a name lie.</summary>
    /// <exception cref="InvalidDataException">There is no such tensor.</exception>
    public TensorSource Source(string name) =>
        _tensors.TryGetValue(name, out var entry) ? entry : throw new InvalidDataException($"{Folder}: tensor {name} is missing.");

    private void AddAll(IReadOnlyList<string> paths)
    {
        var missing = paths.Where(path => !SourceFile.Exists(path)).Select(path => Path.GetFileName(path)).ToArray();
        if (missing.Length > 0)
            throw new InvalidDataException($"{Folder}: the shard is missing: {string.Join(", ", missing)}.");
        if (IsGguf(paths[0]))
            _files.AddRange(GgufFile.OpenAll(paths));
        foreach (var path in paths.Skip(_files.Count))
            _files.Add(new SafetensorsFile(path));
        foreach (var file in _files)
            AddTensors(file);
    }

    private void AddTensors(ITensorFile file)
    {
        foreach (var tensor in file.Tensors)
        {
            if (!_tensors.TryAdd(tensor.Name, new StoredSource(file, tensor)))
                throw new InvalidDataException($"{file.Path}: tensor {tensor.Name} is also in {_tensors[tensor.Name].File.Path}.");
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
        if (SourceFile.Length(path) > IndexBytesMax)
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
