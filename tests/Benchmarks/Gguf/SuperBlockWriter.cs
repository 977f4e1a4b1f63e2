using System.Numerics.Tensors;

namespace Parley.Benchmarks.Gguf;

/// <summary>Blocks of 256 weights whose groups' scales are whole numbers times one for all.</summary>
internal static class SuperBlockWriter
{
    private const int Weights = 256;

    public static void Write(BlockType type, ReadOnlySpan<float> weights, Span<byte> block)
    {
        block.Clear();
        switch (type)
        {
            case BlockType.Q2_K:
                WriteQ2(weights, block);
                break;
            case BlockType.Q3_K:
                WriteQ3(weights, block);
                break;
            case BlockType.Q4_K:
                WriteSixBits(weights, 15, block, codes: 16, fifths: 0);
                break;
            case BlockType.Q5_K:
                WriteSixBits(weights, 31, block, codes: 48, fifths: 16);
                break;
            case BlockType.Q6_K:
                WriteQ6(weights, block);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type));
        }
    }

    /// <summary>Groups of 16 with scale and minimum of 4 bits each.</summary>
    private static void WriteQ2(ReadOnlySpan<float> weights, Span<byte> block)
    {
        Span<float> scales = stackalloc float[16];
        Span<float> minimums = stackalloc float[16];
        Ranges(weights, 3, scales, minimums);
        var scale = BlockWriter.WriteHalf(block[80..], TensorPrimitives.Max<float>(scales) / 15);
        var minimum = BlockWriter.WriteHalf(block[82..], TensorPrimitives.Max<float>(minimums) / 15);
        for (var group = 0; group < scales.Length; group++)
        {
            var (s, m) = (BlockWriter.Round(scales[group], scale, 0, 15), BlockWriter.Round(minimums[group], minimum, 0, 15));
            block[group] = (byte)(s | (m << 4));
            for (var i = group * 16; i < (group + 1) * 16; i++)
                PutTwoBits(block.Slice(16, 64), i, BlockWriter.Round(weights[i] + (minimum * m), scale * s, 0, 3));
        }
    }

    /// <summary>Groups of 16 with scales of 6 bits; the third bits lie apart.</summary>
    private static void WriteQ3(ReadOnlySpan<float> weights, Span<byte> block)
    {
        Span<float> scales = stackalloc float[16];
        for (var group = 0; group < scales.Length; group++)
            scales[group] = TensorPrimitives.MaxMagnitude(weights.Slice(group * 16, 16)) / -4;
        var scale = BlockWriter.WriteHalf(block[108..], TensorPrimitives.MaxMagnitude<float>(scales) / -32);
        for (var group = 0; group < scales.Length; group++)
        {
            var bits = BlockWriter.Round(scales[group], scale, -32, 31) + 32;
            block[96 + (group % 8)] |= (byte)((bits & 15) << (group / 8 * 4));
            block[104 + (group % 4)] |= (byte)(bits >> 4 << (group / 4 * 2));
            for (var i = group * 16; i < (group + 1) * 16; i++)
            {
                var code = BlockWriter.Round(weights[i], scale * (bits - 32), -4, 3) + 4;
                PutTwoBits(block.Slice(32, 64), i, code & 3);
                block[i % 32] |= (byte)(code >> 2 << (i / 32));
            }
        }
    }

    /// <summary>Q4_K and Q5_K: groups of 32 with scale and minimum of 6 bits, those of the last four in two pieces.</summary>
    private static void WriteSixBits(ReadOnlySpan<float> weights, int codeMax, Span<byte> block, int codes, int fifths)
    {
        Span<float> scales = stackalloc float[8];
        Span<float> minimums = stackalloc float[8];
        Ranges(weights, codeMax, scales, minimums);
        var scale = BlockWriter.WriteHalf(block, TensorPrimitives.Max<float>(scales) / 63);
        var minimum = BlockWriter.WriteHalf(block[2..], TensorPrimitives.Max<float>(minimums) / 63);
        var packed = block.Slice(4, 12);
        for (var group = 0; group < scales.Length; group++)
        {
            var (s, m) = (BlockWriter.Round(scales[group], scale, 0, 63), BlockWriter.Round(minimums[group], minimum, 0, 63));
            if (group < 4)
            {
                packed[group] |= (byte)s;
                packed[group + 4] |= (byte)m;
            }
            else
            {
                packed[group + 4] = (byte)((s & 15) | ((m & 15) << 4));
                packed[group - 4] |= (byte)(s >> 4 << 6);
                packed[group] |= (byte)(m >> 4 << 6);
            }

            for (var lane = 0; lane < 32; lane++)
            {
                var code = BlockWriter.Round(weights[(group * 32) + lane] + (minimum * m), scale * s, 0, codeMax);
                block[codes + (group / 2 * 32) + lane] |= (byte)((code & 15) << (group % 2 * 4));
                if (code > 15)
                    block[fifths + lane] |= (byte)(1 << group);
            }
        }
    }

    /// <summary>Groups of 16 with scales of 8 bits; two of the six bits lie apart.</summary>
    private static void WriteQ6(ReadOnlySpan<float> weights, Span<byte> block)
    {
        Span<float> scales = stackalloc float[16];
        for (var group = 0; group < scales.Length; group++)
            scales[group] = TensorPrimitives.MaxMagnitude(weights.Slice(group * 16, 16)) / -32;
        var scale = BlockWriter.WriteHalf(block[208..], TensorPrimitives.MaxMagnitude<float>(scales) / -128);
        for (var group = 0; group < scales.Length; group++)
        {
            var own = BlockWriter.Round(scales[group], scale, -128, 127);
            block[192 + group] = (byte)(sbyte)own;
            for (var i = group * 16; i < (group + 1) * 16; i++)
            {
                var (half, run, lane) = (i / 128, i % 128 / 32, i % 32);
                var code = BlockWriter.Round(weights[i], scale * own, -32, 31) + 32;
                block[(half * 64) + (run % 2 * 32) + lane] |= (byte)((code & 15) << (run / 2 * 4));
                block[128 + (half * 32) + lane] |= (byte)(code >> 4 << (run * 2));
            }
        }
    }

    /// <summary>Scale and minimum of each group; the minimum is taken away, so it is none above zero.</summary>
    private static void Ranges(ReadOnlySpan<float> weights, int codeMax, Span<float> scales, Span<float> minimums)
    {
        var length = Weights / scales.Length;
        for (var group = 0; group < scales.Length; group++)
        {
            var part = weights.Slice(group * length, length);
            minimums[group] = Math.Max(0, -TensorPrimitives.Min(part));
            scales[group] = (Math.Max(0, TensorPrimitives.Max(part)) + minimums[group]) / codeMax;
        }
    }

    /// <summary>Four runs of 32 share their bytes.</summary>
    private static void PutTwoBits(Span<byte> codes, int i, int code) =>
        codes[(i / 128 * 32) + (i % 32)] |= (byte)(code << (i % 128 / 32 * 2));
}
