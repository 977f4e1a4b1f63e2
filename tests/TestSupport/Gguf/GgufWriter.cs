using System.Text;

namespace Parley.TestSupport.Gguf;

/// <summary>Writes GGUF files as the format describes them, or as it forbids.</summary>
public sealed class GgufWriter
{
    private readonly List<(string Key, uint Type, object Value)> _metadata = [];
    private readonly List<(string Name, uint Type, long[] Shape, byte[] Data, ulong? Offset)> _tensors = [];

    public uint Version { get; init; } = 3;

    public int Alignment { get; init; } = 32;

    /// <summary>Adds metadata of the sizes that the importer asks for.</summary>
    public static GgufWriter Llama(int hidden, int heads, int keyValueHeads, int headSize)
    {
        var writer = new GgufWriter();
        writer.Add("general.architecture", "llama");
        writer.Add("llama.embedding_length", (uint)hidden);
        writer.Add("llama.attention.head_count", (uint)heads);
        writer.Add("llama.attention.head_count_kv", (uint)keyValueHeads);
        writer.Add("llama.attention.key_length", (uint)headSize);
        return writer;
    }

    public void Add(string key, object value) => _metadata.Add((key, value switch
    {
        uint => 4u,
        float => 6u,
        bool => 7u,
        string => 8u,
        string[] or int[] or float[] or byte[] => 9u,
        _ => throw new ArgumentException($"{value.GetType()}"),
    }, value));

    /// <summary>Adds metadata in the place of what the key had.</summary>
    public void Set(string key, object value)
    {
        _metadata.RemoveAll(entry => entry.Key == key);
        Add(key, value);
    }

    /// <summary>Adds a tensor; its shape row-major.</summary>
    public void Add(string name, uint type, long[] shape, byte[] data, ulong? offset = null) =>
        _tensors.Add((name, type, shape, data, offset));

    /// <summary>Says of a tensor that it is of another type, with as many bytes.</summary>
    public void Retype(string name, uint type)
    {
        var index = _tensors.FindIndex(tensor => tensor.Name == name);
        _tensors[index] = _tensors[index] with { Type = type };
    }

    public string Write(string path)
    {
        File.WriteAllBytes(path, ToArray());
        return path;
    }

    /// <summary>Writes the model as several files, as llama.cpp splits it: the metadata are in the first.</summary>
    /// <returns>The first file.</returns>
    public string WriteParts(string folder, int count)
    {
        foreach (var (part, bytes) in ToParts(count).Index())
            File.WriteAllBytes(Path.Combine(folder, $"model-{part + 1:00000}-of-{count:00000}.gguf"), bytes);
        return Path.Combine(folder, $"model-00001-of-{count:00000}.gguf");
    }

    /// <summary>The parts of the model, in order.</summary>
    public IEnumerable<byte[]> ToParts(int count)
    {
        var size = (_tensors.Count + count - 1) / count;
        for (var part = 0; part < count; part++)
        {
            var writer = new GgufWriter();
            if (part == 0)
                writer._metadata.AddRange(_metadata);
            writer.Add("split.no", (uint)part);
            writer.Add("split.count", (uint)count);
            writer.Add("split.tensors.count", (uint)_tensors.Count);
            writer._tensors.AddRange(_tensors.Skip(part * size).Take(size));
            yield return writer.ToArray();
        }
    }

    public byte[] ToArray()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(0x46554747u);
        writer.Write(Version);
        writer.Write((ulong)_tensors.Count);
        writer.Write((ulong)_metadata.Count);
        foreach (var (key, type, value) in _metadata)
        {
            WriteText(writer, key);
            writer.Write(type);
            WriteValue(writer, value);
        }

        var offset = 0UL;
        foreach (var (name, type, shape, data, given) in _tensors)
        {
            WriteText(writer, name);
            writer.Write((uint)shape.Length);
            foreach (var size in shape.Reverse())
                writer.Write((ulong)size);
            writer.Write(type);
            writer.Write(given ?? offset);
            offset += (ulong)Padded(data.Length);
        }

        writer.Write(new byte[Padded((int)stream.Position) - (int)stream.Position]);
        foreach (var tensor in _tensors)
            writer.Write([.. tensor.Data, .. new byte[Padded(tensor.Data.Length) - tensor.Data.Length]]);
        return stream.ToArray();
    }

    private static void WriteValue(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case uint number:
                writer.Write(number);
                break;
            case float number:
                writer.Write(number);
                break;
            case bool flag:
                writer.Write(flag);
                break;
            case string text:
                WriteText(writer, text);
                break;
            case byte[] bytes:
                writer.Write(0u);
                writer.Write((ulong)bytes.Length);
                writer.Write(bytes);
                break;
            case int[] numbers:
                writer.Write(5u);
                writer.Write((ulong)numbers.Length);
                foreach (var number in numbers)
                    writer.Write(number);
                break;
            case float[] numbers:
                writer.Write(6u);
                writer.Write((ulong)numbers.Length);
                foreach (var number in numbers)
                    writer.Write(number);
                break;
            case string[] list:
                writer.Write(8u);
                writer.Write((ulong)list.Length);
                foreach (var text in list)
                    WriteText(writer, text);
                break;
        }
    }

    private static void WriteText(BinaryWriter writer, string text)
    {
        writer.Write((ulong)Encoding.UTF8.GetByteCount(text));
        writer.Write(Encoding.UTF8.GetBytes(text));
    }

    private int Padded(int length) => (length + Alignment - 1) / Alignment * Alignment;
}
