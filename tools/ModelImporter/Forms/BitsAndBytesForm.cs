using System.Text.Json;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Forms;

/// <summary>
/// bitsandbytes: nf4 and fp4 with a scale for each block, which may be codes themselves, and int8 with a scale a row.
/// </summary>
internal sealed class BitsAndBytesForm : IStoredForm
{
    private const int StateBytesMax = 1 << 16;
    private const string Weight = "weight";
    private const string Maxima = "weight.absmax";
    private const string State = "weight.quant_state.bitsandbytes__";
    private const string RowScales = "SCB";

    /// <summary>The largest code of int8, which stands for a row's scale.</summary>
    private const float ByteMax = 127;

    private const int ByteMiddle = 128;

    private readonly Dictionary<string, LevelMeaning> _meanings = new(StringComparer.Ordinal);

    public void Join(CheckpointTensors tensors)
    {
        foreach (var parts in ModuleParts.With(tensors, Maxima))
            parts.Put(Levels(tensors, parts));
        foreach (var parts in ModuleParts.With(tensors, RowScales))
            parts.Put(Bytes(parts));
    }

    private GroupedSource Levels(CheckpointTensors tensors, ModuleParts parts)
    {
        var codes = parts.Take(Weight);
        var kind = tensors.Names.FirstOrDefault(name => name.StartsWith(parts.Module + State, StringComparison.Ordinal))
            ?? throw new InvalidDataException($"{codes.File.Path}: tensor {parts.Module}{State}nf4 is missing beside {codes.StoredName}.");
        var state = parts.Take(kind[parts.Module.Length..], "U8");
        var (rows, columns, block, nestedBlock, added) = ReadState(state);
        if (codes.Tensor.Bytes != ((long)rows * columns + 1) / 2 || columns % 2 != 0)
            throw ModuleParts.Refuse(codes, $"two codes a byte of [{rows}, {columns}], whose columns are even");
        var maxima = parts.Take(Maxima);
        ModuleParts.Check(maxima, (((long)rows * columns) + block - 1) / block);
        // What no block cuts through: the greatest common divisor of a row and a block.
        var group = (int)System.Numerics.BigInteger.GreatestCommonDivisor(columns, block);
        var scales = new BlockMaxima(new StoredNumbers(maxima, NestedMap(parts)), columns, block, group)
        {
            Nested = Nested(parts, maxima, nestedBlock, added),
        };
        var name = kind[(parts.Module.Length + State.Length)..].ToUpperInvariant();
        return new GroupedSource(
            new RowwiseCodes(new StoredCodes(codes, CodePacking.HighNibbleFirst, 4, columns), scales, new EqualNumbers(0)),
            ColumnGroups.Even(columns, group), Meaning(parts.Take("weight.quant_map")), [rows, columns], name);
    }

    private static float[]? NestedMap(ModuleParts parts)
    {
        if (parts.Find("weight.nested_quant_map") is not { } map)
            return null;
        ModuleParts.Check(map, 256);
        var values = new float[256];
        new StoredNumbers(map).Read(null, 0, values);
        return values;
    }

    private static (StoredNumbers Scales, int Block, float Added)? Nested(ModuleParts parts, StoredSource maxima, int block, float added)
    {
        if (parts.Find("weight.nested_absmax") is not { } nested)
            return null;
        ModuleParts.Check(nested, (maxima.Shape[0] + block - 1) / block);
        return (new StoredNumbers(nested), block, added);
    }

    /// <summary>Tables of the same numbers are the same, so that matrices on them can lie together.</summary>
    private LevelMeaning Meaning(StoredSource map)
    {
        ModuleParts.Check(map, LevelTable.Count);
        var levels = new float[LevelTable.Count];
        new StoredNumbers(map).Read(null, 0, levels);
        if (!levels.AsSpan().ContainsAnyExcept(0f))
            throw ModuleParts.Refuse(map, "levels of which one is not 0");
        var key = string.Join(' ', levels.Select(BitConverter.SingleToUInt32Bits));
        if (!_meanings.TryGetValue(key, out var meaning))
            _meanings[key] = meaning = LevelMeaning.Of(levels);
        return meaning;
    }

    private static GroupedSource Bytes(ModuleParts parts)
    {
        var codes = parts.Take(Weight, "I8");
        var scales = parts.Take(RowScales);
        if (codes.Shape.Count != 2)
            throw ModuleParts.Refuse(codes, "a matrix");
        var (rows, columns) = (ModuleParts.Size(codes, codes.Shape[0]), ModuleParts.Size(codes, codes.Shape[1]));
        if (scales.Tensor.Elements != rows)
            throw ModuleParts.Refuse(scales, $"[{rows}]");
        if (parts.Find("weight_format", "U8") is { } format)
        {
            Span<byte> kind = stackalloc byte[1];
            if (format.Tensor.Elements == 1)
                format.ReadBytes(null, 0, kind);
            if (format.Tensor.Elements != 1 || kind[0] != 0)
                throw ModuleParts.Refuse(format, "0, which is rows; other orders are those of a device");
        }

        return new GroupedSource(
            new RowwiseCodes(
                new StoredCodes(codes, CodePacking.SignedBytes, 8, columns),
                new RowNumbers(new StoredNumbers(scales)) { PerRow = 1, Divisor = ByteMax }, new EqualNumbers(ByteMiddle)),
            ColumnGroups.Even(columns, columns), new ZeroPointMeaning(8), [rows, columns], "LLM.INT8");
    }

    private static (int Rows, int Columns, int Block, int NestedBlock, float Added) ReadState(StoredSource state)
    {
        if (state.Tensor.Bytes is < 2 or > StateBytesMax)
            throw ModuleParts.Refuse(state, $"JSON of up to {StateBytesMax} bytes");
        var bytes = new byte[state.Tensor.Bytes];
        state.ReadBytes(null, 0, bytes);
        try
        {
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 8 });
            var root = document.RootElement;
            var shape = root.GetProperty("shape");
            if (shape.GetArrayLength() != 2)
                throw ModuleParts.Refuse(state, "the shape of a matrix");
            var (rows, columns) = (ModuleParts.Size(state, shape[0].GetInt64()), ModuleParts.Size(state, shape[1].GetInt64()));
            var block = ModuleParts.Size(state, root.GetProperty("blocksize").GetInt64());
            var nested = root.TryGetProperty("nested_blocksize", out var size) && size.ValueKind == JsonValueKind.Number
                ? ModuleParts.Size(state, size.GetInt64()) : 1;
            var added = root.TryGetProperty("nested_offset", out var offset) && offset.ValueKind == JsonValueKind.Number
                ? offset.GetSingle() : 0;
            return float.IsFinite(added)
                ? (rows, columns, block, nested, added) : throw ModuleParts.Refuse(state, "a finite nested_offset");
        }
        catch (Exception exception)
            when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException(
                $"{state.File.Path}: tensor {state.StoredName} is no quantisation state: {exception.Message}", exception);
        }
    }
}
