using System.Text.Json;
using System.Text.Unicode;

namespace Parley.ModelImporter.Safetensors;

/// <summary>
/// Parses the header of a <c>.safetensors</c> file: 8 bytes length (little-endian), then JSON that maps each tensor to its type, shape
/// and byte range.
/// The header is hostile input: every number in it is checked against the file before anything is mapped. What the reference library
/// (safetensors 0.8) refuses is refused, what it accepts is accepted.
/// </summary>
internal static class SafetensorsHeader
{
    /// <summary>The format's own bound on the JSON.</summary>
    public const long HeaderBytesMax = 100_000_000;

    private const int PrefixBytes = 8;
    private const string Metadata = "__metadata__";

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
        if (!Utf8.IsValid(json.Span))
            throw new InvalidDataException($"{path}: the header is not UTF-8.");
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{path}: the header is not a JSON object.");
            // Of a tensor that is described twice the last description counts, and the gap that the first leaves is found below.
            var tensors = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
            var hasMetadata = false;
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Name != Metadata)
                    tensors[property.Name] = ParseTensor(property.Name, property.Value, dataStart, path);
                else if (hasMetadata)
                    throw new InvalidDataException($"{path}: {Metadata} occurs twice.");
                else
                    CheckMetadata(property.Value, path);
                hasMetadata |= property.Name == Metadata;
            }

            return Order([.. tensors.Values], dataStart, fileBytes, path);
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
    }

    /// <summary>The tensors in order of their offsets; together they must be the data, without gap, overlap or rest.</summary>
    private static List<StoredTensor> Order(List<StoredTensor> tensors, long dataStart, long fileBytes, string path)
    {
        tensors.Sort((a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.Bytes.CompareTo(b.Bytes));
        var end = dataStart;
        foreach (var tensor in tensors)
        {
            if (tensor.Offset != end)
            {
                var before = tensor.Offset < end ? "overlap it: they end" : "end";
                throw new InvalidDataException(
                    $"{path}: tensor {tensor.Name}: data_offsets begin at {tensor.Offset - dataStart}, the data before {before} at "
                    + $"{end - dataStart}; every byte belongs to exactly one tensor.");
            }

            end += tensor.Bytes;
            if (end > fileBytes)
            {
                throw new InvalidDataException(
                    $"{path}: tensor {tensor.Name}: data_offsets end at {end - dataStart}, outside the {fileBytes - dataStart} bytes of "
                    + "data; the file is truncated or damaged.");
            }
        }

        return end == fileBytes ? tensors : throw new InvalidDataException(
            $"{path}: {fileBytes - end} bytes follow the last tensor; the file is damaged.");
    }

    private static void CheckMetadata(JsonElement value, string path)
    {
        if (value.ValueKind == JsonValueKind.Null)
            return;
        if (value.ValueKind != JsonValueKind.Object || value.EnumerateObject().Any(entry => entry.Value.ValueKind != JsonValueKind.String))
            throw new InvalidDataException($"{path}: {Metadata} is not an object of texts.");
    }

    private static StoredTensor ParseTensor(string name, JsonElement value, long dataStart, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{path}: tensor {name} is not described by an object.");
        if (!value.TryGetProperty("dtype", out var type) || type.ValueKind != JsonValueKind.String)
            throw new InvalidDataException($"{path}: tensor {name}: dtype is missing.");
        foreach (var field in new[] { "dtype", "shape", "data_offsets" })
        {
            if (value.EnumerateObject().Count(property => property.NameEquals(field)) > 1)
                throw new InvalidDataException($"{path}: tensor {name}: {field} occurs twice.");
        }

        var shape = ReadNumbers(value, "shape", name, path);
        var offsets = ReadNumbers(value, "data_offsets", name, path);
        if (offsets.Length != 2 || offsets[0] > offsets[1])
            throw new InvalidDataException($"{path}: tensor {name}: data_offsets [{string.Join(", ", offsets)}] are no begin and end.");
        var bytes = offsets[1] - offsets[0];
        var bits = TypeBits(type.GetString()!)
            ?? throw new InvalidDataException($"{path}: tensor {name}: dtype {type.GetString()} is none that the format knows.");
        if (ExpectedBytes(shape, bits) != bytes)
        {
            throw new InvalidDataException(
                $"{path}: tensor {name}: {type.GetString()} [{string.Join(", ", shape)}] does not fill data_offsets of {bytes} bytes.");
        }

        // No sum of two offsets leaves 64 bits.
        if (offsets[1] > long.MaxValue - dataStart)
            throw new InvalidDataException($"{path}: tensor {name}: data_offsets end at {offsets[1]}, outside any file.");
        return new StoredTensor(name, type.GetString()!, shape, dataStart + offsets[0], bytes);
    }

    private static long[] ReadNumbers(JsonElement tensor, string field, string name, string path)
    {
        if (!tensor.TryGetProperty(field, out var array) || array.ValueKind != JsonValueKind.Array)
            throw new InvalidDataException($"{path}: tensor {name}: {field} is not a list of numbers.");
        var numbers = new List<long>();
        foreach (var item in array.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out var number) || number < 0)
                throw new InvalidDataException($"{path}: tensor {name}: {field}[{numbers.Count}] is not a whole number from 0 on.");
            numbers.Add(number);
        }

        return [.. numbers];
    }

    /// <summary>Bytes that a shape needs; -1 where the product leaves 64 bits, or the last byte is not full.</summary>
    private static long ExpectedBytes(long[] shape, int bits)
    {
        try
        {
            var total = checked(shape.Aggregate(1L, (product, size) => checked(product * size)) * bits);
            return total % 8 == 0 ? total / 8 : -1;
        }
        catch (OverflowException)
        {
            return -1;
        }
    }

    /// <summary>Width of the types that the format defines; null for any other.</summary>
    private static int? TypeBits(string type) => type switch
    {
        "F4" => 4,
        "F6_E2M3" or "F6_E3M2" => 6,
        "BOOL" or "U8" or "I8" or "F8_E5M2" or "F8_E4M3" or "F8_E8M0" or "F8_E4M3FNUZ" or "F8_E5M2FNUZ" => 8,
        "I16" or "U16" or "F16" or "BF16" => 16,
        "I32" or "U32" or "F32" => 32,
        "I64" or "U64" or "F64" or "C64" => 64,
        _ => null,
    };
}
