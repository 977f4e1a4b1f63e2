using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Parley.ModelImporter.Gguf;

/// <summary>Blocks of 256 weights whose groups share a scale of scales, and one of minimums where they have any.</summary>
internal static class GgufSuperBlocks
{
    private const int Group = GgufBlocks.Group;

    /// <summary>From the bits of a level of Q6_K to its code of 8: less the type's middle, and around that of bytes.</summary>
    private const int SixToEight = 128 - 32;

    /// <summary>Takes codes, scales and minimums of one block, as <see cref="GgufGrids.Read"/>.</summary>
    public static void Read(GgufType type, ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scales, Span<float> minimums)
    {
        switch (type)
        {
            case GgufType.Q2_K:
                ReadQ2(block, codes, scales, minimums);
                break;
            case GgufType.Q3_K:
                ReadQ3(block, codes, scales);
                break;
            case GgufType.Q4_K:
                ReadScales(block, scales, minimums);
                ReadNibbles(block.Slice(16, 128), codes);
                break;
            case GgufType.Q5_K:
                ReadQ5(block, codes, scales, minimums);
                break;
            case GgufType.Q6_K:
                ReadQ6(block, codes, scales);
                break;
            case GgufType.IQ4_XS:
                ReadIq4(block, codes, scales);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type));
        }
    }

    /// <summary>Sixteen groups of 16 with a scale and a minimum of 4 bits each.</summary>
    private static void ReadQ2(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scales, Span<float> minimums)
    {
        var (scale, minimum) = (GgufBlocks.ReadHalf(block[80..]), GgufBlocks.ReadHalf(block[82..]));
        for (var group = 0; group < scales.Length; group++)
            (scales[group], minimums[group]) = (scale * (block[group] & 15), -(minimum * (block[group] >> 4)));
        ReadPairs(block.Slice(16, 64), codes);
    }

    /// <summary>Sixteen groups of 16 with scales of 6 bits; a third bit that is not set takes 4 away.</summary>
    private static void ReadQ3(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scales)
    {
        var mask = block[..32];
        var packed = block.Slice(96, 12);
        var scale = GgufBlocks.ReadHalf(block[108..]);
        for (var group = 0; group < scales.Length; group++)
        {
            var bits = (packed[group % 8] >> (group / 8 * 4) & 15) | (packed[8 + (group % 4)] >> (group / 4 * 2) & 3) << 4;
            scales[group] = scale * (bits - 32);
        }

        ReadPairs(block.Slice(32, 64), codes);
        // Levels from −4 to 3 around the middle of 4 bits, which is 8.
        for (var i = 0; i < codes.Length; i++)
            codes[i] = (byte)(codes[i] + 4 + (mask[i % 32] >> (i / 32) & 1) * 4);
    }

    /// <summary>As Q4_K; the fifth bits lie apart, a bit of each byte for a group.</summary>
    private static void ReadQ5(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scales, Span<float> minimums)
    {
        ReadScales(block, scales, minimums);
        ReadNibbles(block.Slice(48, 128), codes);
        var high = block.Slice(16, 32);
        for (var i = 0; i < codes.Length; i++)
            codes[i] |= (byte)((high[i % Group] >> (i / Group) & 1) << 4);
    }

    /// <summary>Sixteen groups of 16: four low bits, two high ones elsewhere, a scale of 8 bits per group and one for all.</summary>
    private static void ReadQ6(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scales)
    {
        var low = block[..128];
        var high = block.Slice(128, 64);
        var own = MemoryMarshal.Cast<byte, sbyte>(block.Slice(192, 16));
        var scale = GgufBlocks.ReadHalf(block[208..]);
        for (var group = 0; group < scales.Length; group++)
            scales[group] = scale * own[group];
        for (var i = 0; i < codes.Length; i++)
        {
            // Halves of 128 weights; in each, four runs of 32 share their bytes of high bits.
            var (half, run, lane) = (i / 128, i % 128 / 32, i % 32);
            var bits = low[(half * 64) + (run % 2 * 32) + lane] >> (run / 2 * 4) & 15;
            bits |= (high[(half * 32) + lane] >> (run * 2) & 3) << 4;
            codes[i] = (byte)(bits + SixToEight);
        }
    }

    /// <summary>Eight groups with scales of 6 bits: four bits side by side, two more in a number of 16 bits.</summary>
    private static void ReadIq4(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scales)
    {
        var scale = GgufBlocks.ReadHalf(block);
        var high = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        for (var group = 0; group < scales.Length; group++)
        {
            var bits = (block[4 + (group / 2)] >> (group % 2 * 4) & 15) | (high >> (2 * group) & 3) << 4;
            scales[group] = scale * (bits - 32);
            GgufGrids.ReadNibbles(block.Slice(8 + (group * 16), 16), codes.Slice(group * Group, Group));
        }
    }

    /// <summary>
    /// Scales and minimums of eight groups of 32, in Q4_K and Q5_K: numbers of 6 bits, those of the last four in two pieces.
    /// </summary>
    private static void ReadScales(ReadOnlySpan<byte> block, Span<float> scales, Span<float> minimums)
    {
        var (scale, minimum) = (GgufBlocks.ReadHalf(block), GgufBlocks.ReadHalf(block[2..]));
        var packed = block.Slice(4, 12);
        for (var group = 0; group < scales.Length; group++)
        {
            var (s, m) = group < 4
                ? (packed[group] & 63, packed[group + 4] & 63)
                : ((packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4), (packed[group + 4] >> 4) | (packed[group] >> 6 << 4));
            (scales[group], minimums[group]) = (scale * s, -(minimum * m));
        }
    }

    /// <summary>Two groups share 32 bytes: the first has the low nibbles, the second the high ones.</summary>
    private static void ReadNibbles(ReadOnlySpan<byte> source, Span<byte> codes)
    {
        for (var i = 0; i < source.Length; i++)
        {
            var first = (i / Group * 2 * Group) + (i % Group);
            (codes[first], codes[first + Group]) = ((byte)(source[i] & 15), (byte)(source[i] >> 4));
        }
    }

    /// <summary>Four runs of 32 share their bytes: codes of 2 bits.</summary>
    private static void ReadPairs(ReadOnlySpan<byte> source, Span<byte> codes)
    {
        for (var i = 0; i < codes.Length; i++)
            codes[i] = (byte)(source[(i / 128 * 32) + (i % 32)] >> (i % 128 / 32 * 2) & 3);
    }
}
