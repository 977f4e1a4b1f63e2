using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Parley.Benchmarks.Gguf;

/// <summary>
/// Weights as the blocks of any type that is read, by plain rules: the range of a group, or its largest magnitude. llama.cpp searches
/// for better scales; what an import makes of the blocks does not depend on it.
/// </summary>
internal static class BlockWriter
{
    private const int Group = 32;
    private const int LargeBlock = 256;

    /// <summary>Weights and bytes of a block.</summary>
    public static (int Weights, int Bytes) SizeOf(BlockType type) => type switch
    {
        BlockType.F32 => (1, 4),
        BlockType.F16 or BlockType.BF16 => (1, 2),
        BlockType.Q4_0 or BlockType.IQ4_NL => (Group, 18),
        BlockType.Q4_1 => (Group, 20),
        BlockType.Q5_0 => (Group, 22),
        BlockType.Q5_1 => (Group, 24),
        BlockType.Q8_0 => (Group, 34),
        BlockType.MXFP4 => (Group, 17),
        BlockType.Q2_K => (LargeBlock, 84),
        BlockType.Q3_K => (LargeBlock, 110),
        BlockType.Q4_K => (LargeBlock, 144),
        BlockType.Q5_K => (LargeBlock, 176),
        BlockType.Q6_K => (LargeBlock, 210),
        BlockType.IQ4_XS => (LargeBlock, 136),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>Writes a row, whose length is a multiple of a block's.</summary>
    public static void Write(BlockType type, ReadOnlySpan<float> row, Span<byte> bytes)
    {
        switch (type)
        {
            case BlockType.F32:
                MemoryMarshal.AsBytes(row).CopyTo(bytes);
                return;
            case BlockType.F16:
                TensorPrimitives.ConvertToHalf(row, MemoryMarshal.Cast<byte, Half>(bytes));
                return;
            case BlockType.BF16:
                for (var i = 0; i < row.Length; i++)
                    BinaryPrimitives.WriteUInt16LittleEndian(bytes[(2 * i)..], RoundToBFloat16(row[i]));
                return;
        }

        var (weights, length) = SizeOf(type);
        for (var i = 0; i < row.Length / weights; i++)
            WriteBlock(type, row.Slice(i * weights, weights), bytes.Slice(i * length, length));
    }

    private static ushort RoundToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static void WriteBlock(BlockType type, ReadOnlySpan<float> weights, Span<byte> block)
    {
        switch (type)
        {
            case BlockType.Q4_0:
                WriteSymmetric(weights, 8, 16, block);
                break;
            case BlockType.Q5_0:
                WriteSymmetric(weights, 16, 32, block);
                break;
            case BlockType.Q4_1:
                WriteAffine(weights, 15, block);
                break;
            case BlockType.Q5_1:
                WriteAffine(weights, 31, block);
                break;
            case BlockType.Q8_0:
                var scale = WriteHalf(block, MathF.Abs(TensorPrimitives.MaxMagnitude(weights)) / 127);
                for (var i = 0; i < Group; i++)
                    block[2 + i] = (byte)(sbyte)Round(weights[i], scale, -127, 127);
                break;
            case BlockType.IQ4_NL:
                LevelWriter.WriteCurve(weights, block);
                break;
            case BlockType.IQ4_XS:
                LevelWriter.WriteSuperBlock(weights, block);
                break;
            case BlockType.MXFP4:
                LevelWriter.WriteMicroscaled(weights, block);
                break;
            default:
                SuperBlockWriter.Write(type, weights, block);
                break;
        }
    }

    /// <summary>A scale alone: the weight of the largest magnitude falls on the lowest code.</summary>
    private static void WriteSymmetric(ReadOnlySpan<float> weights, int middle, int codes, Span<byte> block)
    {
        var scale = WriteHalf(block, TensorPrimitives.MaxMagnitude(weights) / -middle);
        WriteCodes(weights, 0, scale, middle, codes - 1, block[2..]);
    }

    private static void WriteAffine(ReadOnlySpan<float> weights, int codeMax, Span<byte> block)
    {
        var minimum = TensorPrimitives.Min(weights);
        var scale = WriteHalf(block, (TensorPrimitives.Max(weights) - minimum) / codeMax);
        minimum = WriteHalf(block[2..], minimum);
        WriteCodes(weights, minimum, scale, 0, codeMax, block[4..]);
    }

    /// <summary>Codes of 4 bits, those of the first half in the low nibbles; fifth bits together before them.</summary>
    private static void WriteCodes(
        ReadOnlySpan<float> weights, float minimum, float scale, int middle, int codeMax, Span<byte> bytes)
    {
        var fifths = 0u;
        var nibbles = codeMax > 15 ? bytes[4..] : bytes;
        for (var i = 0; i < Group; i++)
        {
            var code = Round(weights[i] - minimum, scale, -middle, codeMax - middle) + middle;
            PutNibble(nibbles, i, code & 15);
            fifths |= (uint)(code >> 4) << i;
        }

        if (codeMax > 15)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, fifths);
    }

    /// <summary>A code of a group of 32: the first half has the low nibbles.</summary>
    public static void PutNibble(Span<byte> nibbles, int i, int code)
    {
        ref var target = ref nibbles[i % 16];
        target = (byte)(i < 16 ? (target & 0xF0) | code : (target & 0x0F) | (code << 4));
    }

    /// <summary>Writes a scale, and gives it as it is read.</summary>
    public static float WriteHalf(Span<byte> bytes, float value)
    {
        BinaryPrimitives.WriteHalfLittleEndian(bytes, (Half)value);
        return (float)(Half)value;
    }

    /// <summary>The nearest whole number of scales within bounds.</summary>
    public static int Round(float weight, float scale, int low, int high) =>
        scale == 0 ? Math.Clamp(0, low, high) : (int)Math.Clamp(MathF.Round(weight / scale), low, high);
}
