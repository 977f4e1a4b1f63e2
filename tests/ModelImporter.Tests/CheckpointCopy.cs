using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Tests;

/// <summary>A copy of a fixture that a test changes: fields of its JSON files, and its tensors.</summary>
internal sealed class CheckpointCopy
{
    private readonly SortedDictionary<string, (string Type, long[] Shape, byte[] Data)> _tensors = new(StringComparer.Ordinal);

    /// <param name="folder">Takes the copy.</param>
    /// <param name="fixture">Name of a fixture of this project, or the path of another checkpoint.</param>
    /// <param name="name">Name of the copy.</param>
    public CheckpointCopy(TemporaryFolder folder, string fixture, string name = "source")
    {
        Path = Directory.CreateDirectory(folder.File(name)).FullName;
        foreach (var file in Directory.GetFiles(System.IO.Path.IsPathRooted(fixture) ? fixture : Fixture.Folder(fixture)))
            File.Copy(file, FileOf(System.IO.Path.GetFileName(file)));
        var bytes = File.ReadAllBytes(FileOf("model.safetensors"));
        var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        using var header = JsonDocument.Parse(bytes.AsMemory(8, length));
        foreach (var tensor in header.RootElement.EnumerateObject().Where(property => property.Name != "__metadata__"))
        {
            var offsets = tensor.Value.GetProperty("data_offsets");
            _tensors[tensor.Name] = (
                tensor.Value.GetProperty("dtype").GetString()!,
                [.. tensor.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())],
                bytes[(8 + length + offsets[0].GetInt32())..(8 + length + offsets[1].GetInt32())]);
        }
    }

    public string Path { get; }

    public IEnumerable<string> Tensors => _tensors.Keys;

    /// <summary>Sets a field of a JSON file; null takes it out.</summary>
    public CheckpointCopy Set(string field, string? json, string file = "config.json")
    {
        var root = JsonNode.Parse(File.ReadAllText(FileOf(file)))!.AsObject();
        if (json is null)
            root.Remove(field);
        else
            root[field] = JsonNode.Parse(json);
        File.WriteAllText(FileOf(file), root.ToJsonString());
        return this;
    }

    /// <summary>Gives a tensor another name, or with <paramref name="keep"/> a second one.</summary>
    public CheckpointCopy Rename(string name, string to, bool keep = false, bool reverse = false)
    {
        var (type, shape, data) = _tensors[name];
        if (reverse)
        {
            // Whole elements in the opposite order: other weights of the same kind.
            var size = data.Length / (int)shape.Aggregate(1L, (product, length) => product * length);
            data = [.. data.Chunk(size).Reverse().SelectMany(element => element)];
        }

        if (!keep)
            _tensors.Remove(name);
        _tensors[to] = (type, shape, data);
        return Write();
    }

    /// <summary>Gives all tensors other names.</summary>
    public CheckpointCopy Rename(Func<string, string> rename)
    {
        foreach (var name in _tensors.Keys.ToArray())
            Rename(name, rename(name));
        return this;
    }

    public CheckpointCopy Reshape(string name, params long[] shape)
    {
        var (type, _, data) = _tensors[name];
        var size = data.Length / (int)_tensors[name].Shape.Aggregate(1L, (product, length) => product * length);
        _tensors[name] = (type, shape, data[..(size * (int)shape.Aggregate(1L, (product, length) => product * length))]);
        return Write();
    }

    public string FileOf(string name) => System.IO.Path.Combine(Path, name);

    private CheckpointCopy Write()
    {
        var header = new JsonObject();
        var offset = 0;
        foreach (var (name, (type, shape, data)) in _tensors)
        {
            header[name] = new JsonObject
            {
                ["dtype"] = type,
                ["shape"] = new JsonArray([.. shape.Select(size => (JsonNode)size)]),
                ["data_offsets"] = new JsonArray(offset, offset += data.Length),
            };
        }

        var json = JsonSerializer.SerializeToUtf8Bytes(header);
        var prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)json.Length);
        File.WriteAllBytes(FileOf("model.safetensors"), [.. prefix, .. json, .. _tensors.Values.SelectMany(tensor => tensor.Data)]);
        return this;
    }
}
