using System.Buffers.Binary;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Gguf;

/// <summary>The blocks that GGUF tensors consist of: their sizes and their weights.</summary>
internal static class GgufBlocks
{
    public const int Group = 32;

    public const int SmallGroup = 16;

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
        var grid = GgufGrids.Of(type)!;
        Span<byte> codes = stackalloc byte[count];
        Span<float> scales = stackalloc float[count / grid.Group];
        Span<float> minimums = stackalloc float[count / grid.Group];
        for (var i = 0; i < weights.Length / count; i++)
        {
            GgufGrids.Read(type, blocks.Slice(i * bytes, bytes), codes, scales, minimums);
            grid.Widen(codes, scales, minimums, weights.Slice(i * count, count));
        }
    }

    internal static float ReadHalf(ReadOnlySpan<byte> bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);
}
