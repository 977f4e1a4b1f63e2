using System.Text.Json;

namespace Parley.ModelImporter.Safetensors;

/// <summary>
/// Parses the header of a <c>.safetensors</c> file: 8 bytes length (little-endian), then JSON that maps each tensor to its type, shape
/// and byte range.
/// The header is hostile input: every number in it is checked against the file before anything is mapped.
/// </summary>
internal static class SafetensorsHeader
{
    /// <summary>The format's own bound on the JSON.</summary>
    public const long HeaderBytesMax = 100_000_000;

    private const int PrefixBytes = 8;
    private const int ShapeRankMax = 8;

    /// <summary>Reads the header's length from the first 8 bytes.</summary>
    /// <exception cref="InvalidDataException">The length fits neither the format nor the file.</exception>
    public static int ReadLength(ReadOnlySpan<byte> prefix, long fileBytes, string path)
    {
        if (prefix.Length < PrefixBytes || fileBytes < PrefixBytes)
            throw new InvalidDataException($"{path}: {fileBytes} bytes are too few for a safetensors file.");
        var length = BitConverter.IsLittleEndian
            ? BitConverter.ToUInt64(prefix)
            : System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length is < 2 or > (ulong)HeaderBytesMax || (long)length > fileBytes - PrefixBytes)
        {
            throw new InvalidDataException(
                $"{path}: the header length {length} is outside 2 to {Math.Min(HeaderBytesMax, fileBytes - PrefixBytes)}; "
                + "the file is truncated or no safetensors file.");
        }

        return (int)length;
    }

    /// <summary>Parses the JSON.</summary>
    /// <param name="json">The header without its length prefix.</param>
    /// <param name="fileBytes">Length of the whole file.</param>
    /// <param name="path">Named in messages.</param>
    /// <returns>The tensors, in order of their offsets.</returns>
    /// <exception cref="InvalidDataException">The header is malformed; the message names file, tensor and field.</exception>
    public static IReadOnlyList<StoredTensor> Parse(ReadOnlyMemory<byte> json, long fileBytes, string path)
    {
        var dataStart = PrefixBytes + (long)json.Length;
        var tensors = new List<StoredTensor>();
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{path}: the header is not a JSON object.");
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (!names.Add(property.Name))
                    throw new InvalidDataException($"{path}: tensor {property.Name} occurs twice.");
                if (property.Name != "__metadata__")
                    tensors.Add(ParseTensor(property.Name, property.Value, dataStart, fileBytes, path));
            }
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}: the header is not JSON: {exception.Message}", exception);
        }
        catch (InvalidOperationException exception)
        {
            // A string with a lone surrogate: well-formed JSON, but no text.
            throw new InvalidDataException($"{path}: the header holds invalid text: {exception.Message}", exception);
        }

        tensors.Sort((a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.Bytes.CompareTo(b.Bytes));
        for (var i = 1; i < tensors.Count; i++)
        {
            if (tensors[i - 1].Offset + tensors[i - 1].Bytes > tensors[i].Offset)
                throw new InvalidDataException($"{path}: tensors {tensors[i - 1].Name} and {tensors[i].Name} overlap.");
        }

        return tensors;
    }

    private static StoredTensor ParseTensor(string name, JsonElement value, long dataStart, long fileBytes, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{path}: tensor {name} is not described by an object.");
        if (!value.TryGetProperty("dtype", out var type) || type.ValueKind != JsonValueKind.String)
            throw new InvalidDataException($"{path}: tensor {name}: dtype is missing.");
        var shape = ReadNumbers(value, "shape", ShapeRankMax, name, path);
        var offsets = ReadNumbers(value, "data_offsets", 2, name, path);
        if (offsets.Length != 2 || offsets[0] > offsets[1] || offsets[1] > fileBytes - dataStart)
        {
            throw new InvalidDataException(
                $"{path}: tensor {name}: data_offsets [{string.Join(", ", offsets)}] are outside the {fileBytes - dataStart} "
                + "bytes of data; the file is truncated or damaged.");
        }

        var bytes = offsets[1] - offsets[0];
        var bits = TypeBits(type.GetString()!);
        if (bits is not null && ExpectedBytes(shape, bits.Value) != bytes)
        {
            throw new InvalidDataException(
                $"{path}: tensor {name}: {type.GetString()} [{string.Join(", ", shape)}] does not fill data_offsets of {bytes} bytes.");
        }

        return new StoredTensor(name, type.GetString()!, shape, dataStart + offsets[0], bytes);
    }

    private static long[] ReadNumbers(JsonElement tensor, string field, int countMax, string name, string path)
    {
        if (!tensor.TryGetProperty(field, out var array) || array.ValueKind != JsonValueKind.Array || array.GetArrayLength() > countMax)
            throw new InvalidDataException($"{path}: tensor {name}: {field} is not a list of at most {countMax} numbers.");
        var numbers = new long[array.GetArrayLength()];
        for (var i = 0; i < numbers.Length; i++)
        {
            if (array[i].ValueKind != JsonValueKind.Number || !array[i].TryGetInt64(out numbers[i]) || numbers[i] < 0)
                throw new InvalidDataException($"{path}: tensor {name}: {field}[{i}] is not a whole number from 0 on.");
        }

        return numbers;
    }

    /// <summary>Bytes that a shape needs; -1 where the product leaves 64 bits.</summary>
    private static long ExpectedBytes(long[] shape, int bits)
    {
        try
        {
            var product = shape.Aggregate(1L, (total, size) => checked(total * size));
            return checked((product * bits) + 7) / 8;
        }
        catch (OverflowException)
        {
            return -1;
        }
    }

    /// <summary>Width of the types that the format defines; null for one that is newer than this code.</summary>
    private static int? TypeBits(string type) => type switch
    {
        "BOOL" or "U8" or "I8" or "F8_E5M2" or "F8_E4M3" or "F8_E8M0" => 8,
        "I16" or "U16" or "F16" or "BF16" => 16,
        "I32" or "U32" or "F32" => 32,
        "I64" or "U64" or "F64" or "C64" => 64,
        _ => null,
    };
}
