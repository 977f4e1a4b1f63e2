using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Parley.ModelImporter.Gguf;

/// <summary>
/// Types whose weights are a whole number of 8 bits times the scale of their group of 32: 8 bits in groups of 32 hold them as they are.
/// </summary>
internal static class GgufLevels
{
    /// <summary>What the codes of IQ4_NL and IQ4_XS stand for.</summary>
    private static readonly sbyte[] Curve = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>What the codes of MXFP4 stand for, in halves: a sign, two bits of exponent, one of fraction.</summary>
    private static readonly sbyte[] Halves = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    /// <summary>The format's exponent of a scale counts from 127, and the levels are halves.</summary>
    private const int HalfExponent = 128;

    public static bool Has(GgufType type) =>
        type is GgufType.Q4_0 or GgufType.Q5_0 or GgufType.Q8_0 or GgufType.IQ4_NL or GgufType.IQ4_XS or GgufType.MXFP4;

    /// <summary>Takes the levels of one block, and the scale of each group.</summary>
    public static void Read(GgufType type, ReadOnlySpan<byte> block, Span<sbyte> levels, Span<float> scales)
    {
        switch (type)
        {
            case GgufType.Q4_0:
                scales[0] = GgufBlocks.ReadHalf(block);
                for (var i = 0; i < levels.Length; i++)
                    levels[i] = (sbyte)(GgufBlocks.Nibble(block[2..], i) - 8);
                break;
            case GgufType.Q5_0:
                scales[0] = GgufBlocks.ReadHalf(block);
                var high = BinaryPrimitives.ReadUInt32LittleEndian(block[2..]);
                for (var i = 0; i < levels.Length; i++)
                    levels[i] = (sbyte)((GgufBlocks.Nibble(block[6..], i) | (int)(high >> i & 1) << 4) - 16);
                break;
            case GgufType.Q8_0:
                scales[0] = GgufBlocks.ReadHalf(block);
                MemoryMarshal.Cast<byte, sbyte>(block.Slice(2, levels.Length)).CopyTo(levels);
                break;
            case GgufType.IQ4_NL:
                scales[0] = GgufBlocks.ReadHalf(block);
                LookUp(block[2..], Curve, levels);
                break;
            case GgufType.MXFP4:
                scales[0] = MathF.ScaleB(1, block[0] - HalfExponent);
                LookUp(block[1..], Halves, levels);
                break;
            case GgufType.IQ4_XS:
                ReadSuperBlock(block, levels, scales);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type));
        }
    }

    /// <summary>Eight groups with scales of 6 bits: four bits side by side, two more in a number of 16 bits.</summary>
    private static void ReadSuperBlock(ReadOnlySpan<byte> block, Span<sbyte> levels, Span<float> scales)
    {
        var scale = GgufBlocks.ReadHalf(block);
        var high = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        for (var group = 0; group < scales.Length; group++)
        {
            var bits = (block[4 + (group / 2)] >> (group % 2 * 4) & 15) | (high >> (2 * group) & 3) << 4;
            scales[group] = scale * (bits - 32);
            LookUp(block.Slice(8 + (group * 16), 16), Curve, levels.Slice(group * GgufBlocks.Group, GgufBlocks.Group));
        }
    }

    private static void LookUp(ReadOnlySpan<byte> codes, sbyte[] table, Span<sbyte> levels)
    {
        for (var i = 0; i < levels.Length; i++)
            levels[i] = table[GgufBlocks.Nibble(codes, i)];
    }
}
