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

    /// <summary>The grid of 8 bits that int8 packages and ONNX Runtime get stands for the same weights as the type's own.</summary>
    [Theory]
    [InlineData("Q2_K", 4, 16)]
    [InlineData("Q3_K", 4, 16)]
    [InlineData("Q4_0", 4, 32)]
    [InlineData("Q4_1", 4, 32)]
    [InlineData("Q4_K", 4, 32)]
    [InlineData("IQ4_NL", 4, 32)]
    [InlineData("IQ4_XS", 4, 32)]
    [InlineData("MXFP4", 4, 32)]
    [InlineData("Q5_0", 8, 32)]
    [InlineData("Q5_1", 8, 32)]
    [InlineData("Q5_K", 8, 32)]
    [InlineData("Q6_K", 8, 16)]
    [InlineData("Q8_0", 8, 32)]
    public void Grid_SpelledInEightBits_StandsForTheSameWeights(string name, int bits, int group)
    {
        var type = Enum.Parse<GgufType>(name);
        var grid = GgufGrids.Of(type)!;
        var (weights, bytes) = GgufBlocks.SizeOf(type)!.Value;
        var block = new byte[bytes];
        _random.NextBytes(block);
        var (codes, scales, minimums) = (new byte[weights], new float[weights / group], new float[weights / group]);
        GgufGrids.Read(type, block, codes, scales, minimums);
        // The scale of a random block may be anything, NaN too.
        scales.AsSpan().Fill(0.25f);
        minimums.AsSpan().Fill(-0.5f);
        var (own, spelled) = (new float[weights], new float[weights]);

        grid.Widen(codes, scales, minimums, own);
        grid.ToBytes().Widen([.. codes.Select(grid.ByteOf)], scales, minimums, spelled);

        Assert.Equal((bits, group), (grid.Bits, grid.Group));
        Assert.All(codes, code => Assert.InRange(code, 0, (1 << bits) - 1));
        Assert.Equal(own, spelled);
        Assert.True(own.Distinct().Count() > 3);
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
