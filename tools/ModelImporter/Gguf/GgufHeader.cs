using Parley.ModelImporter.Gguf.Metadata;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Gguf;

/// <summary>
/// The header of a <c>.gguf</c> file: metadata and the places of the tensors. It is hostile input: every number in it is checked against
/// the file before anything is read there.
/// </summary>
/// <param name="Metadata">
/// Numbers (<see cref="long"/>, <see cref="double"/>), <see cref="bool"/>, <see cref="string"/> and <see cref="GgufList"/> by key.
/// </param>
/// <param name="Tensors">The tensors by the file's own names, in order of their offsets; shapes row-major, as elsewhere here.</param>
internal sealed record GgufHeader(IReadOnlyDictionary<string, object> Metadata, IReadOnlyList<StoredTensor> Tensors)
{
    /// <summary>A vocabulary of 256k tokens with merges takes some 20 MB.</summary>
    public const int BytesMax = 256 << 20;

    private const uint Magic = 0x46554747;
    private const int TextBytesMax = 16 << 20;
    private const int NameBytesMax = 1024;
    private const int DimensionsMax = 4;
    private const int ListDepthMax = 4;
    private const long AlignmentMax = 1 << 20;
    private const long DefaultAlignment = 32;
    private const string PatternKey = ".sliding_window_pattern";

    /// <summary>Heads of keys, where layers have different numbers: of one key for all it is no list.</summary>
    private const string KeyHeadsKey = ".attention.head_count_kv";
    private const string ActivationKeys = "xielu.";
    private const string AlignmentKey = "general.alignment";

    /// <summary>Parses the start of a file.</summary>
    /// <param name="bytes">The file, or its first <see cref="BytesMax"/> bytes.</param>
    /// <param name="fileBytes">Length of the whole file.</param>
    /// <param name="path">Named in messages.</param>
    /// <exception cref="InvalidDataException">The header is malformed; the message names file, tensor and field.</exception>
    public static GgufHeader Parse(ReadOnlySpan<byte> bytes, long fileBytes, string path)
    {
        var reader = new GgufReader(bytes, path);
        if (reader.UInt32() != Magic)
            throw new InvalidDataException($"{path}: the file does not begin with GGUF.");
        var version = reader.UInt32();
        if (version is not (2 or 3))
            throw new InvalidDataException($"{path}: GGUF version {version}; versions 2 and 3 are read.");
        var tensorCount = reader.UInt64();
        var metadataCount = reader.UInt64();
        var metadata = new Dictionary<string, object>(StringComparer.Ordinal);
        for (var i = 0UL; i < metadataCount; i++)
        {
            var key = reader.Text(NameBytesMax);
            if (!metadata.TryAdd(key, ReadValue(ref reader, reader.UInt32(), key, path, depth: 0)))
                throw new InvalidDataException($"{path}: the metadata key {key} occurs twice.");
        }

        var infos = new List<(string Name, uint Type, long[] Shape, ulong Offset)>();
        for (var i = 0UL; i < tensorCount; i++)
            infos.Add(ReadTensor(ref reader, path));
        var alignment = metadata.TryGetValue(AlignmentKey, out var given) ? given as long? ?? 0 : DefaultAlignment;
        if (alignment is < 8 or > AlignmentMax || alignment % 8 != 0)
            throw new InvalidDataException($"{path}: {AlignmentKey} is {given}, not a multiple of 8 up to {AlignmentMax}.");
        var dataStart = (reader.Position + alignment - 1) / alignment * alignment;
        return new GgufHeader(metadata, Place(infos, dataStart, alignment, fileBytes, path));
    }

    private static (string Name, uint Type, long[] Shape, ulong Offset) ReadTensor(ref GgufReader reader, string path)
    {
        var name = reader.Text(NameBytesMax);
        var dimensions = reader.UInt32();
        if (dimensions is < 1 or > DimensionsMax)
            throw new InvalidDataException($"{path}: tensor {name} has {dimensions} dimensions, not 1 to {DimensionsMax}.");
        var shape = new long[dimensions];
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            var size = reader.UInt64();
            if (size is 0 or > long.MaxValue)
                throw new InvalidDataException($"{path}: tensor {name}: dimension {shape.Length - 1 - i} is {size}.");
            shape[i] = (long)size;
        }

        return (name, reader.UInt32(), shape, reader.UInt64());
    }

    private static List<StoredTensor> Place(
        List<(string Name, uint Type, long[] Shape, ulong Offset)> infos, long dataStart, long alignment, long fileBytes, string path)
    {
        var tensors = new List<StoredTensor>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, type, shape, offset) in infos)
        {
            if (!names.Add(name))
                throw new InvalidDataException($"{path}: tensor {name} occurs twice.");
            var bytes = BytesOf((GgufType)type, shape, name, path);
            if (offset % (ulong)alignment != 0)
                throw new InvalidDataException($"{path}: tensor {name}: offset {offset} is no multiple of the alignment {alignment}.");
            if (dataStart > fileBytes || offset > (ulong)(fileBytes - dataStart) || bytes > fileBytes - dataStart - (long)offset)
            {
                throw new InvalidDataException(
                    $"{path}: tensor {name}: {bytes} bytes at offset {offset} are outside the {Math.Max(0, fileBytes - dataStart)} bytes "
                    + "of data; the file is truncated or damaged.");
            }

            tensors.Add(new StoredTensor(name, GgufOtherTypes.NameOf(type), shape, dataStart + (long)offset, bytes));
        }

        tensors.Sort((a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.Bytes.CompareTo(b.Bytes));
        for (var i = 1; i < tensors.Count; i++)
        {
            if (tensors[i - 1].Offset + tensors[i - 1].Bytes > tensors[i].Offset)
                throw new InvalidDataException($"{path}: tensors {tensors[i - 1].Name} and {tensors[i].Name} overlap.");
        }

        return tensors;
    }

    /// <summary>Length of a tensor; 0 for a type that is not read, which is refused once somebody asks for the tensor.</summary>
    private static long BytesOf(GgufType type, long[] shape, string name, string path)
    {
        if (GgufBlocks.SizeOf(type) is not { } block)
            return 0;
        if (shape[^1] % block.Weights != 0)
            throw new InvalidDataException($"{path}: tensor {name}: rows of {shape[^1]} are no multiple of the {block.Weights} of {type}.");
        try
        {
            return checked(shape.Aggregate(1L, (product, size) => checked(product * size)) / block.Weights * block.Bytes);
        }
        catch (OverflowException exception)
        {
            throw new InvalidDataException($"{path}: tensor {name}: its shape is too large.", exception);
        }
    }

    /// <summary>A value by its type.</summary>
    private static object ReadValue(ref GgufReader reader, uint type, string key, string path, int depth)
    {
        switch (type)
        {
            case 0: return (long)reader.Byte();
            case 1: return (long)(sbyte)reader.Byte();
            case 2: return (long)reader.UInt16();
            case 3: return (long)(short)reader.UInt16();
            case 4: return (long)reader.UInt32();
            case 5: return (long)(int)reader.UInt32();
            case 6: return (double)BitConverter.UInt32BitsToSingle(reader.UInt32());
            case 7: return reader.Byte() != 0;
            case 8: return reader.Text(TextBytesMax);
            case 10: return reader.UInt64() is <= long.MaxValue and var number ? (long)number : double.PositiveInfinity;
            case 11: return (long)reader.UInt64();
            case 12: return BitConverter.UInt64BitsToDouble(reader.UInt64());
            case 9:
                return ReadList(ref reader, key, path, depth);
            default:
                throw new InvalidDataException(
                    $"{path}: the metadata key {key} has a value of type {type}, which the format does not know.");
        }
    }

    /// <summary>A list; its items are kept where somebody reads them.</summary>
    private static GgufList ReadList(ref GgufReader reader, string key, string path, int depth)
    {
        if (depth == ListDepthMax)
            throw new InvalidDataException($"{path}: the metadata key {key} holds lists within lists, more than {ListDepthMax} deep.");
        var (type, count) = (reader.UInt32(), reader.UInt64());
        var width = type switch { 0 or 1 or 7 => 1, 2 or 3 => 2, 4 or 5 or 6 => 4, 10 or 11 or 12 => 8, _ => 0 };
        var isRead = key.StartsWith("tokenizer.", StringComparison.Ordinal) || key.EndsWith(PatternKey, StringComparison.Ordinal)
            || key.StartsWith(ActivationKeys, StringComparison.Ordinal) || key.EndsWith(KeyHeadsKey, StringComparison.Ordinal);
        var kept = depth == 0 && isRead;
        if (width > 0 && count > (ulong)(reader.Left / width))
        {
            throw new InvalidDataException(
                $"{path}: the metadata key {key} announces {count} numbers, more than the header has room for.");
        }

        if (width > 0 && !kept)
        {
            reader.Take((long)count * width);
            return GgufList.Unread;
        }

        var (texts, numbers, reals) = (new List<string>(), new List<long>(), new List<double>());
        // Each text and each list takes bytes, so damaged counts end at the end of the header.
        for (var i = 0UL; i < count; i++)
        {
            var item = ReadValue(ref reader, type, key, path, depth + 1);
            if (kept && item is string text)
                texts.Add(text);
            else if (kept && item is long number)
                numbers.Add(number);
            else if (kept && item is bool flag)
                numbers.Add(flag ? 1 : 0);
            else if (kept && item is double real)
                reals.Add(real);
        }

        return new GgufList(texts, numbers, reals);
    }
}
