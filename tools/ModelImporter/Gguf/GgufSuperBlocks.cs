using System.Runtime.InteropServices;

namespace Parley.ModelImporter.Gguf;

/// <summary>Blocks of 256 weights whose groups share a scale of scales, but for Q4_K and IQ4_XS, which have 4 bits.</summary>
internal static class GgufSuperBlocks
{
    /// <summary>Widens one block.</summary>
    public static void Decode(GgufType type, ReadOnlySpan<byte> block, Span<float> weights)
    {
        switch (type)
        {
            case GgufType.Q2_K:
                DecodeQ2(block, weights);
                break;
            case GgufType.Q3_K:
                DecodeQ3(block, weights);
                break;
            case GgufType.Q5_K:
                DecodeQ5(block, weights);
                break;
            case GgufType.Q6_K:
                DecodeQ6(block, weights);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type));
        }
    }

    /// <summary>Scale and minimum of a group of 32, in Q4_K and Q5_K: numbers of 6 bits, those of the last four in two pieces.</summary>
    public static (int Scale, int Minimum) SixBits(ReadOnlySpan<byte> packed, int group) => group < 4
        ? (packed[group] & 63, packed[group + 4] & 63)
        : ((packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4), (packed[group + 4] >> 4) | (packed[group] >> 6 << 4));

    /// <summary>Sixteen groups of 16 with a scale and a minimum of 4 bits each; four runs of 32 share their bytes.</summary>
    private static void DecodeQ2(ReadOnlySpan<byte> block, Span<float> weights)
    {
        var codes = block.Slice(16, 64);
        var (scale, minimum) = (GgufBlocks.ReadHalf(block[80..]), GgufBlocks.ReadHalf(block[82..]));
        for (var i = 0; i < weights.Length; i++)
        {
            var packed = block[i / 16];
            var code = codes[(i / 128 * 32) + (i % 32)] >> (i % 128 / 32 * 2) & 3;
            weights[i] = (scale * (packed & 15) * code) - (minimum * (packed >> 4));
        }
    }

    /// <summary>Sixteen groups of 16 with scales of 6 bits; a third bit that is not set takes 4 away.</summary>
    private static void DecodeQ3(ReadOnlySpan<byte> block, Span<float> weights)
    {
        var mask = block[..32];
        var codes = block.Slice(32, 64);
        var packed = block.Slice(96, 12);
        var scale = GgufBlocks.ReadHalf(block[108..]);
        for (var group = 0; group < 16; group++)
        {
            var bits = (packed[group % 8] >> (group / 8 * 4) & 15) | (packed[8 + (group % 4)] >> (group / 4 * 2) & 3) << 4;
            var own = scale * (bits - 32);
            for (var i = group * 16; i < (group + 1) * 16; i++)
            {
                var code = codes[(i / 128 * 32) + (i % 32)] >> (i % 128 / 32 * 2) & 3;
                weights[i] = own * (code - (mask[i % 32] >> (i / 32) & 1 ^ 1) * 4);
            }
        }
    }

    /// <summary>Eight groups of 32 with scales and minimums of 6 bits; the fifth bits lie apart, a bit of each byte for a group.</summary>
    private static void DecodeQ5(ReadOnlySpan<byte> block, Span<float> weights)
    {
        var (scale, minimum) = (GgufBlocks.ReadHalf(block), GgufBlocks.ReadHalf(block[2..]));
        var packed = block.Slice(4, 12);
        var high = block.Slice(16, 32);
        var codes = block.Slice(48, 128);
        for (var group = 0; group < 8; group++)
        {
            var (s, m) = SixBits(packed, group);
            var (own, start) = (scale * s, minimum * m);
            for (var lane = 0; lane < GgufBlocks.Group; lane++)
            {
                var code = codes[(group / 2 * 32) + lane] >> (group % 2 * 4) & 15 | (high[lane] >> group & 1) << 4;
                weights[(group * GgufBlocks.Group) + lane] = (own * code) - start;
            }
        }
    }

    /// <summary>Sixteen groups of 16: four low bits, two high ones elsewhere, a scale of 8 bits per group and one for all.</summary>
    private static void DecodeQ6(ReadOnlySpan<byte> block, Span<float> weights)
    {
        var low = block[..128];
        var high = block.Slice(128, 64);
        var scales = MemoryMarshal.Cast<byte, sbyte>(block.Slice(192, 16));
        var scale = GgufBlocks.ReadHalf(block[208..]);
        for (var i = 0; i < weights.Length; i++)
        {
            // Halves of 128 weights; in each, four runs of 32 share their bytes of high bits.
            var (half, run, lane) = (i / 128, i % 128 / 32, i % 32);
            var bits = low[(half * 64) + (run % 2 * 32) + lane] >> (run / 2 * 4) & 15;
            bits |= (high[(half * 32) + lane] >> (run * 2) & 3) << 4;
            weights[i] = scale * scales[i / 16] * (bits - 32);
        }
    }
}
