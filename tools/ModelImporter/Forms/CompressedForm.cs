using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>
/// compressed-tensors: <c>weight_packed</c> or a <c>weight</c> of 8 bits, with <c>weight_scale</c> for a matrix, a channel, a group or a
/// block of it. What a module has is read off its tensors; the configuration decides where they leave it open.
/// </summary>
/// <param name="schemes">Groups of the configuration.</param>
internal sealed class CompressedForm(IReadOnlyList<CompressedScheme> schemes) : IStoredForm
{
    private const int WordBits = 32;
    private const int ByteBits = 8;
    private const int ByteMiddle = 128;
    private const int Fp4Bits = 4;
    private const string Weight = "weight";
    private const string Packed = "weight_packed";
    private const string Scale = "weight_scale";
    private const string ZeroPoint = "weight_zero_point";
    private const string GlobalScale = "weight_global_scale";

    /// <summary>For quantised activations and caches, which this importer has in its own way.</summary>
    private static readonly string[] Activations =
    [
        ".input_scale", ".input_zero_point", ".input_global_scale", ".output_scale", ".output_zero_point", ".k_scale", ".v_scale",
        ".q_scale", ".k_zero_point", ".v_zero_point", ".input_scale_ub",
    ];

    /// <exception cref="InvalidDataException">The configuration asks for what is not read.</exception>
    public static CompressedForm Of(ConfigFile config) => new(CompressedScheme.ReadAll(config));

    public void Join(CheckpointTensors tensors)
    {
        foreach (var name in tensors.Names.ToArray())
        {
            if (Activations.Any(ending => name.EndsWith(ending, StringComparison.Ordinal)))
                tensors.Remove(name);
        }

        foreach (var parts in ModuleParts.With(tensors, Packed))
            parts.Put(parts.TypeOf(Packed) == "U8" ? Float4(parts) : Integers(parts));
        foreach (var parts in ModuleParts.With(tensors, Scale).Where(parts => parts.Has(Weight)))
        {
            if (parts.TypeOf(Weight) is Float8.E4M3)
                parts.Put(Floats(parts));
            else if (parts.TypeOf(Weight) is "I8")
                parts.Put(Bytes(parts));
        }
    }

    /// <summary>Codes of 4 bits, in words, or of any other width.</summary>
    private GroupedSource Integers(ModuleParts parts)
    {
        var words = parts.Take(Packed, "I32", "U32");
        var (rows, columns) = ReadShape(parts, words);
        ModuleParts.Check(words, rows, words.Shape[^1]);
        var bits = schemes.Select(scheme => scheme.Bits).Distinct()
            .Where(width => width <= ByteBits && (columns + (WordBits / width) - 1) / (WordBits / width) == words.Shape[1]).ToList();
        if (bits is not [var width])
            throw ModuleParts.Refuse(words, $"{columns} codes a row of one of the widths in config.json");
        var scales = parts.Take(Scale);
        var (numbers, groups) = Scales(scales, rows, columns);
        var listed = parts.Find("weight_g_idx", "I32") is { } order ? GroupList.Read(order, columns, groups.Count) : null;
        GroupNumbers zeros = new EqualNumbers(1 << (width - 1));
        if (parts.Find(ZeroPoint, "I32", "U32") is { } packedZeros)
        {
            var perWord = WordBits / width;
            ModuleParts.Check(packedZeros, (rows + perWord - 1) / perWord, groups.Count);
            zeros = new PackedZeroPoints(packedZeros, width);
        }

        return new GroupedSource(
            new RowwiseCodes(new StoredCodes(words, CodePacking.Words, width, columns), numbers, zeros),
            listed ?? groups, new ZeroPointMeaning(width), [rows, columns], $"INT{width}");
    }

    /// <summary>Signed bytes.</summary>
    private GroupedSource Bytes(ModuleParts parts)
    {
        var codes = parts.Take(Weight);
        if (codes.Shape.Count != 2)
            throw ModuleParts.Refuse(codes, "a matrix");
        var (rows, columns) = (ModuleParts.Size(codes, codes.Shape[0]), ModuleParts.Size(codes, codes.Shape[1]));
        var (numbers, groups) = Scales(parts.Take(Scale), rows, columns);
        var listed = parts.Find("weight_g_idx", "I32") is { } order ? GroupList.Read(order, columns, groups.Count) : null;
        GroupNumbers zeros = new EqualNumbers(ByteMiddle);
        if (parts.Find(ZeroPoint) is { } stored)
        {
            var count = stored.Tensor.Elements;
            if (count != 1 && count != (long)rows * groups.Count)
                throw ModuleParts.Refuse(stored, $"one zero point, or [{rows}, {groups.Count}]");
            zeros = new RowNumbers(new StoredNumbers(stored))
            {
                PerRow = count == 1 ? 1 : groups.Count,
                IsSingle = count == 1,
                Added = ByteMiddle,
                AreZeroPoints = true,
            };
        }

        return new GroupedSource(
            new RowwiseCodes(new StoredCodes(codes, CodePacking.SignedBytes, ByteBits, columns), numbers, zeros),
            listed ?? groups, new ZeroPointMeaning(ByteBits), [rows, columns], "INT8");
    }

    /// <summary>FP4: groups of 16 with scales in FP8 and one for all (NVFP4), or of 32 with powers of two (MXFP4).</summary>
    private static GroupedSource Float4(ModuleParts parts)
    {
        var codes = parts.Take(Packed);
        var scales = parts.Take(Scale);
        if (codes.Shape.Count != 2 || scales.Shape.Count != 2)
            throw ModuleParts.Refuse(codes, "a matrix, as are the scales");
        var rows = ModuleParts.Size(codes, codes.Shape[0]);
        var columns = ModuleParts.Size(codes, codes.Shape[1] * 2);
        var global = parts.Find(GlobalScale);
        var group = global is null ? 32 : 16;
        ModuleParts.Check(scales, rows, (columns + group - 1) / group);
        var numbers = new RowNumbers(new StoredNumbers(scales, Float8.E8M0Values))
        {
            PerRow = (int)scales.Shape[1],
            Divisor = global is null ? 1 : ReadGlobal(global),
        };
        return new GroupedSource(
            new RowwiseCodes(new StoredCodes(codes, CodePacking.Bits, Fp4Bits, columns), numbers, new EqualNumbers(0)),
            ColumnGroups.Even(columns, group), LevelMeaning.Fp4, [rows, columns], global is null ? "MXFP4" : "NVFP4");
    }

    /// <summary>FP8 with a scale for a matrix, a channel, a group or a block.</summary>
    private Float8Source Floats(ModuleParts parts)
    {
        var (codes, scales) = (parts.Take(Weight), parts.Take(Scale));
        var numbers = new StoredNumbers(scales, Float8.E8M0Values);
        if (scales.Tensor.Elements == 1 || codes.Shape.Count != 2)
            return new Float8Source(codes, numbers, null);
        var (rows, columns) = (ModuleParts.Size(codes, codes.Shape[0]), ModuleParts.Size(codes, codes.Shape[1]));
        if (schemes.FirstOrDefault(scheme => scheme.Block is not null)?.Block is { } block
            && scales.Shape.SequenceEqual([(rows + block.Rows - 1L) / block.Rows, (columns + block.Columns - 1L) / block.Columns]))
            return new Float8Source(codes, numbers, block);
        if (scales.Shape is [_])
            return new Float8Source(codes, numbers, (1, columns));
        var groups = GroupSizes.Even(scales, columns, ModuleParts.Size(scales, scales.Shape[^1]), GroupSize(columns, scales));
        return new Float8Source(codes, numbers, (1, groups.Starts[1]));
    }

    private static (int Rows, int Columns) ReadShape(ModuleParts parts, StoredSource words)
    {
        var shape = parts.Take("weight_shape", "I32", "I64");
        ModuleParts.Check(shape, 2);
        var sizes = new long[2];
        if (shape.TypeName == "I64")
            shape.ReadBytes(null, 0, MemoryMarshal.AsBytes(sizes.AsSpan()));
        else
        {
            var small = new int[2];
            shape.ReadBytes(null, 0, MemoryMarshal.AsBytes(small.AsSpan()));
            (sizes[0], sizes[1]) = (small[0], small[1]);
        }

        return words.Shape.Count == 2
            ? (ModuleParts.Size(shape, sizes[0]), ModuleParts.Size(shape, sizes[1])) : throw ModuleParts.Refuse(words, "a matrix");
    }

    /// <summary>Scales [rows, groups], [rows] or one for all.</summary>
    private (RowNumbers Numbers, ColumnGroups Groups) Scales(StoredSource scales, int rows, int columns)
    {
        if (scales.Tensor.Elements == 1)
            return (new RowNumbers(new StoredNumbers(scales)) { PerRow = 1, IsSingle = true }, ColumnGroups.Even(columns, columns));
        var count = scales.Shape.Count == 2 ? ModuleParts.Size(scales, scales.Shape[1]) : 1;
        if (scales.Shape.Count is not (1 or 2) || scales.Shape[0] != rows)
            throw ModuleParts.Refuse(scales, $"[{rows}, groups], or one scale");
        return (
            new RowNumbers(new StoredNumbers(scales)) { PerRow = count },
            GroupSizes.Even(scales, columns, count, GroupSize(columns, scales)));
    }

    /// <summary>The first size of the configuration that gives as many groups as there are scales.</summary>
    private int? GroupSize(int columns, StoredSource scales) => schemes.Select(scheme => scheme.Group)
        .FirstOrDefault(size => size is { } said && (columns + (long)said - 1) / said == scales.Shape[^1]);

    private static float ReadGlobal(StoredSource global)
    {
        if (global.Tensor.Elements != 1)
            throw ModuleParts.Refuse(global, "one number");
        return new StoredNumbers(global).Single() is var scale and not 0 ? scale
            : throw new InvalidDataException($"{global.File.Path}: tensor {global.StoredName} is 0, and scales are divided by it.");
    }
}
