using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Gguf;

/// <summary>
/// The grids that quantised types lie on, and the codes of their blocks; those of 256 weights are <see cref="GgufSuperBlocks"/>.
/// </summary>
internal static class GgufGrids
{
    private const int Group = GgufBlocks.Group;
    private const int SmallGroup = GgufBlocks.SmallGroup;

    /// <summary>From a level of 5 bits to its code of 8: less the type's middle, and around that of bytes.</summary>
    private const int FiveToEight = 128 - 16;

    private const byte SignBit = 0x80;

    /// <summary>The format's exponent of a scale counts from 127, and the levels are halves.</summary>
    private const int HalfExponent = 128;

    private static readonly StoredGrid Nibbles = new(4, Group);
    private static readonly StoredGrid NibblesFromMinimum = new(4, Group, HasMinima: true);
    private static readonly StoredGrid Curve = new(4, Group, Levels: LevelTable.Iq4);
    private static readonly StoredGrid Floats = new(4, Group, Levels: LevelTable.Fp4);
    private static readonly StoredGrid Bytes = new(8, Group);
    private static readonly StoredGrid BytesFromMinimum = new(8, Group, HasMinima: true);
    private static readonly StoredGrid SmallNibbles = new(4, SmallGroup);
    private static readonly StoredGrid SmallNibblesFromMinimum = new(4, SmallGroup, HasMinima: true);
    private static readonly StoredGrid SmallBytes = new(8, SmallGroup);

    /// <summary>The grid of a type; null for one that is not quantised, or not read.</summary>
    public static StoredGrid? Of(GgufType type) => type switch
    {
        GgufType.Q4_0 => Nibbles,
        GgufType.Q4_1 or GgufType.Q4_K => NibblesFromMinimum,
        GgufType.IQ4_NL or GgufType.IQ4_XS => Curve,
        GgufType.MXFP4 => Floats,
        GgufType.Q5_0 or GgufType.Q8_0 => Bytes,
        GgufType.Q5_1 or GgufType.Q5_K => BytesFromMinimum,
        GgufType.Q2_K => SmallNibblesFromMinimum,
        GgufType.Q3_K => SmallNibbles,
        GgufType.Q6_K => SmallBytes,
        _ => null,
    };

    /// <summary>Takes the codes of one block, one byte each, and the scale and minimum of each group.</summary>
    /// <param name="type">A type that has a grid.</param>
    /// <param name="block">The block.</param>
    /// <param name="codes">Takes the codes.</param>
    /// <param name="scales">Takes one scale per group.</param>
    /// <param name="minimums">Takes one minimum per group, where the grid has any.</param>
    public static void Read(GgufType type, ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scales, Span<float> minimums)
    {
        switch (type)
        {
            case GgufType.Q4_0:
            case GgufType.IQ4_NL:
                scales[0] = GgufBlocks.ReadHalf(block);
                ReadNibbles(block[2..], codes);
                break;
            case GgufType.Q4_1:
                (scales[0], minimums[0]) = (GgufBlocks.ReadHalf(block), GgufBlocks.ReadHalf(block[2..]));
                ReadNibbles(block[4..], codes);
                break;
            case GgufType.MXFP4:
                scales[0] = MathF.ScaleB(1, block[0] - HalfExponent);
                ReadNibbles(block[1..], codes);
                break;
            case GgufType.Q5_0:
                scales[0] = GgufBlocks.ReadHalf(block);
                ReadFives(block[2..], codes, FiveToEight);
                break;
            case GgufType.Q5_1:
                (scales[0], minimums[0]) = (GgufBlocks.ReadHalf(block), GgufBlocks.ReadHalf(block[2..]));
                ReadFives(block[4..], codes, 0);
                break;
            case GgufType.Q8_0:
                scales[0] = GgufBlocks.ReadHalf(block);
                for (var i = 0; i < codes.Length; i++)
                    codes[i] = (byte)(block[2 + i] ^ SignBit);
                break;
            default:
                GgufSuperBlocks.Read(type, block, codes, scales, minimums);
                break;
        }
    }

    /// <summary>The codes of a group of 32: the first half has the low nibbles.</summary>
    internal static void ReadNibbles(ReadOnlySpan<byte> source, Span<byte> codes)
    {
        var pairs = Vector128.Create(source[..(Group / 2)]);
        (pairs & Vector128.Create((byte)15)).CopyTo(codes);
        (pairs >>> 4).CopyTo(codes[(Group / 2)..]);
    }

    /// <summary>Codes of 5 bits, whose fifth ones lie together before the others.</summary>
    private static void ReadFives(ReadOnlySpan<byte> source, Span<byte> codes, int added)
    {
        var high = BinaryPrimitives.ReadUInt32LittleEndian(source);
        ReadNibbles(source[4..], codes);
        for (var i = 0; i < codes.Length; i++)
            codes[i] = (byte)((codes[i] | (int)(high >> i & 1) << 4) + added);
    }
}
