using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Gguf;

/// <summary>The blocks that GGUF tensors consist of: their sizes, their weights, and the 4-bit groups of 32 in them.</summary>
internal static class GgufBlocks
{
    public const int Group = 32;

    private const int LargestBlock = 256;

    /// <summary>Weights and bytes of a block; null for a type that is not read.</summary>
    public static (int Weights, int Bytes)? SizeOf(GgufType type) => type switch
    {
        GgufType.F32 => (1, 4),
        GgufType.F16 or GgufType.BF16 => (1, 2),
        GgufType.Q4_0 => (32, 18),
        GgufType.Q4_1 => (32, 20),
        GgufType.Q5_0 => (32, 22),
        GgufType.Q5_1 => (32, 24),
        GgufType.Q8_0 => (32, 34),
        GgufType.IQ4_NL => (32, 18),
        GgufType.MXFP4 => (32, 17),
        GgufType.Q2_K => (LargestBlock, 84),
        GgufType.Q3_K => (LargestBlock, 110),
        GgufType.Q4_K => (LargestBlock, 144),
        GgufType.Q5_K => (LargestBlock, 176),
        GgufType.Q6_K => (LargestBlock, 210),
        GgufType.IQ4_XS => (LargestBlock, 136),
        _ => null,
    };

    public static bool HasGroups(GgufType type) => type is GgufType.Q4_0 or GgufType.Q4_1 or GgufType.Q4_K;

    /// <summary>Widens whole blocks.</summary>
    public static void Decode(GgufType type, ReadOnlySpan<byte> blocks, Span<float> weights)
    {
        switch (type)
        {
            case GgufType.F32:
                FloatDecoder.Decode(SafetensorsType.Float32, blocks, weights);
                return;
            case GgufType.F16:
                FloatDecoder.Decode(SafetensorsType.Float16, blocks, weights);
                return;
            case GgufType.BF16:
                FloatDecoder.Decode(SafetensorsType.BFloat16, blocks, weights);
                return;
        }

        var (count, bytes) = SizeOf(type)!.Value;
        for (var i = 0; i < weights.Length / count; i++)
            DecodeBlock(type, blocks.Slice(i * bytes, bytes), weights.Slice(i * count, count));
    }

    private static void DecodeBlock(GgufType type, ReadOnlySpan<byte> block, Span<float> weights)
    {
        if (HasGroups(type))
            DecodeGroups(type, block, weights);
        else if (GgufLevels.Has(type))
            DecodeLevels(type, block, weights);
        else if (type == GgufType.Q5_1)
            DecodeQ5(block, weights);
        else
            GgufSuperBlocks.Decode(type, block, weights);
    }

    /// <summary>Takes the groups of one block: codes as pairs (even, odd), scale and minimum of each group.</summary>
    public static void ReadGroups(GgufType type, ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scales, Span<float> minimums)
    {
        switch (type)
        {
            case GgufType.Q4_0:
                scales[0] = ReadHalf(block);
                minimums[0] = -8 * scales[0];
                Pair(block.Slice(2, 16), high: false, codes[..8]);
                Pair(block.Slice(2, 16), high: true, codes[8..]);
                break;
            case GgufType.Q4_1:
                scales[0] = ReadHalf(block);
                minimums[0] = ReadHalf(block[2..]);
                Pair(block.Slice(4, 16), high: false, codes[..8]);
                Pair(block.Slice(4, 16), high: true, codes[8..]);
                break;
            case GgufType.Q4_K:
                ReadSuperBlock(block, codes, scales, minimums);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type));
        }
    }

    /// <summary>
    /// Eight groups that share a scale of scales and one of minimums; their own are numbers of 6 bits, the last four in two pieces.
    /// </summary>
    private static void ReadSuperBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scales, Span<float> minimums)
    {
        var (scale, minimum) = (ReadHalf(block), ReadHalf(block[2..]));
        var packed = block.Slice(4, 12);
        for (var group = 0; group < 8; group++)
        {
            var (s, m) = GgufSuperBlocks.SixBits(packed, group);
            scales[group] = scale * s;
            minimums[group] = -minimum * m;
            // Two groups share 32 bytes: the first has the low nibbles, the second the high ones.
            Pair(block.Slice(16 + (group / 2 * 32), 32), high: group % 2 == 1, codes.Slice(group * 16, 16));
        }
    }

    private static void DecodeGroups(GgufType type, ReadOnlySpan<byte> block, Span<float> weights)
    {
        Span<byte> codes = stackalloc byte[LargestBlock / 2];
        Span<float> scales = stackalloc float[LargestBlock / Group];
        Span<float> minimums = stackalloc float[LargestBlock / Group];
        ReadGroups(type, block, codes[..(weights.Length / 2)], scales, minimums);
        for (var i = 0; i < weights.Length; i++)
            weights[i] = (((codes[i / 2] >> (i % 2 * 4)) & 15) * scales[i / Group]) + minimums[i / Group];
    }

    private static void DecodeLevels(GgufType type, ReadOnlySpan<byte> block, Span<float> weights)
    {
        Span<sbyte> levels = stackalloc sbyte[LargestBlock];
        Span<float> scales = stackalloc float[LargestBlock / Group];
        GgufLevels.Read(type, block, levels[..weights.Length], scales[..(weights.Length / Group)]);
        for (var i = 0; i < weights.Length; i++)
            weights[i] = scales[i / Group] * levels[i];
    }

    /// <summary>Q5_1: the fifth bits lie together before the others.</summary>
    private static void DecodeQ5(ReadOnlySpan<byte> block, Span<float> weights)
    {
        var (scale, minimum) = (ReadHalf(block), ReadHalf(block[2..]));
        var high = BinaryPrimitives.ReadUInt32LittleEndian(block[4..]);
        for (var i = 0; i < weights.Length; i++)
            weights[i] = (scale * (Nibble(block[8..], i) | (int)(high >> i & 1) << 4)) + minimum;
    }

    /// <summary>The code of a weight in a group of 32: the first half has the low nibbles.</summary>
    internal static int Nibble(ReadOnlySpan<byte> codes, int i) => codes[i % 16] >> (i / 16 * 4) & 15;

    /// <summary>Nibbles of one half of 16 or 32 bytes, two neighbours to a byte.</summary>
    private static void Pair(ReadOnlySpan<byte> source, bool high, Span<byte> pairs)
    {
        for (var i = 0; i < pairs.Length; i += 8)
        {
            // Numbers of 16 bits hold two neighbours: the even one in the low byte.
            var two = MemoryMarshal.Read<Vector128<ushort>>(source[(2 * i)..]);
            two = (high ? two >> 4 : two) & Vector128.Create((ushort)0x0F0F);
            var packed = (two | (two >> 4)) & Vector128.Create((ushort)0x00FF);
            BinaryPrimitives.WriteUInt64LittleEndian(pairs[i..], Vector128.Narrow(packed, packed).AsUInt64().ToScalar());
        }
    }

    internal static float ReadHalf(ReadOnlySpan<byte> bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);
}
