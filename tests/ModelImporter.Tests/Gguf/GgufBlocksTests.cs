using System.Buffers.Binary;
using Parley.ModelImporter.Gguf;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>Blocks packed here, weight by weight as the format describes them, come back from the decoder.</summary>
public sealed class GgufBlocksTests
{
    private readonly Random _random = new(7);

    [Fact]
    public void Decode_Q4_0_IsScaleTimesCodeMinusEight()
    {
        var (block, codes, scale) = (new byte[18], Codes(32, 16), (Half)(-0.013f));
        BinaryPrimitives.WriteHalfLittleEndian(block, scale);
        PackNibbles(codes, block.AsSpan(2));

        Assert.Equal(codes.Select(code => (float)scale * (code - 8)), Decode(GgufType.Q4_0, block, 32));
    }

    [Fact]
    public void Decode_Q4_1_IsScaleTimesCodePlusMinimum()
    {
        var (block, codes, scale, minimum) = (new byte[20], Codes(32, 16), (Half)0.021f, (Half)(-0.17f));
        BinaryPrimitives.WriteHalfLittleEndian(block, scale);
        BinaryPrimitives.WriteHalfLittleEndian(block.AsSpan(2), minimum);
        PackNibbles(codes, block.AsSpan(4));

        Assert.Equal(codes.Select(code => (code * (float)scale) + (float)minimum), Decode(GgufType.Q4_1, block, 32));
    }

    [Fact]
    public void Decode_Q8_0_IsScaleTimesCode()
    {
        var (block, scale) = (new byte[34], (Half)0.004f);
        _random.NextBytes(block);
        BinaryPrimitives.WriteHalfLittleEndian(block, scale);

        Assert.Equal(block[2..].Select(code => (float)scale * (sbyte)code), Decode(GgufType.Q8_0, block, 32));
    }

    [Fact]
    public void Decode_Q4_K_HasEightGroupsWithScalesAndMinimumsOfSixBits()
    {
        var (block, codes) = (new byte[144], Codes(256, 16));
        var (scales, minimums) = (Codes(8, 64), Codes(8, 64));
        var (scale, minimum) = ((Half)0.0007f, (Half)0.0011f);
        BinaryPrimitives.WriteHalfLittleEndian(block, scale);
        BinaryPrimitives.WriteHalfLittleEndian(block.AsSpan(2), minimum);
        for (var group = 0; group < 4; group++)
        {
            block[4 + group] = (byte)(scales[group] | (scales[group + 4] >> 4 << 6));
            block[8 + group] = (byte)(minimums[group] | (minimums[group + 4] >> 4 << 6));
            block[12 + group] = (byte)((scales[group + 4] & 15) | ((minimums[group + 4] & 15) << 4));
        }

        for (var i = 0; i < 256; i++)
            block[16 + (i / 64 * 32) + (i % 32)] |= (byte)(codes[i] << (i / 32 % 2 * 4));

        Assert.Equal(
            codes.Select((code, i) => (code * ((float)scale * scales[i / 32])) - ((float)minimum * minimums[i / 32])),
            Decode(GgufType.Q4_K, block, 256));
    }

    [Fact]
    public void Decode_Q6_K_HasSixteenGroupsWithScalesOfEightBits()
    {
        var (block, codes, scale) = (new byte[210], Codes(256, 64), (Half)0.0003f);
        var scales = Codes(16, 256);
        for (var i = 0; i < 256; i++)
        {
            var (half, run, lane) = (i / 128, i / 32 % 4, i % 32);
            block[(half * 64) + (run % 2 * 32) + lane] |= (byte)((codes[i] & 15) << (run / 2 * 4));
            block[128 + (half * 32) + lane] |= (byte)(codes[i] >> 4 << (2 * run));
        }

        for (var group = 0; group < 16; group++)
            block[192 + group] = (byte)scales[group];
        BinaryPrimitives.WriteHalfLittleEndian(block.AsSpan(208), scale);

        Assert.Equal(
            codes.Select((code, i) => (float)scale * (sbyte)scales[i / 16] * (code - 32)), Decode(GgufType.Q6_K, block, 256));
    }

    /// <summary>The groups of a block stand for the weights of the decoder; the even code is the low nibble.</summary>
    [Theory]
    [InlineData("Q4_0")]
    [InlineData("Q4_1")]
    [InlineData("Q4_K")]
    public void ReadGroups_OfABlock_AreItsWeights(string name)
    {
        var type = Enum.Parse<GgufType>(name);
        var (weights, bytes) = GgufBlocks.SizeOf(type)!.Value;
        var block = new byte[bytes];
        _random.NextBytes(block);
        BinaryPrimitives.WriteHalfLittleEndian(block, (Half)0.01f);
        BinaryPrimitives.WriteHalfLittleEndian(block.AsSpan(2), (Half)0.02f);
        var (codes, scales, minimums) = (new byte[weights / 2], new float[weights / 32], new float[weights / 32]);

        GgufBlocks.ReadGroups(type, block, codes, scales, minimums);

        Assert.Equal(
            Decode(type, block, weights),
            Enumerable.Range(0, weights).Select(i => ((codes[i / 2] >> (i % 2 * 4) & 15) * scales[i / 32]) + minimums[i / 32]));
    }

    private static float[] Decode(GgufType type, byte[] block, int weights)
    {
        var values = new float[weights];
        GgufBlocks.Decode(type, block, values);
        return values;
    }

    /// <summary>The first half of the weights has the low nibbles.</summary>
    private static void PackNibbles(int[] codes, Span<byte> bytes)
    {
        for (var i = 0; i < 32; i++)
            bytes[i % 16] |= (byte)(codes[i] << (i / 16 * 4));
    }

    private int[] Codes(int count, int levels) => [.. Enumerable.Range(0, count).Select(_ => _random.Next(levels))];
}
