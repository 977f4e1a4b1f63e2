using Parley.Generator.Guides.Masks;

namespace Parley.Generator.Tests.Guides;

public sealed class KeptMaskTests
{
    private const int Words = 4_011; // no multiple of a vector's words

    private static readonly uint[] Near = Make(word => word % 3 == 0 ? 0 : 0xF0F0F0F0u ^ (uint)word);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(200)]
    public void CopyTo_FewTokens_GivesTheMaskBackFromLittleMemory(int tokens)
    {
        var mask = new uint[Words];
        for (var i = 0; i < tokens; i++)
            mask[Words - 1 - (i * 20)] |= 1u << (i % 32);

        var kept = new KeptMask(mask, Near);

        Assert.Equal(mask, Copy(kept));
        Assert.Equal(tokens * 8, kept.Bytes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(200)]
    public void CopyTo_FewTokensFromTheNearMask_GivesTheMaskBackFromLittleMemory(int tokens)
    {
        var mask = Near.ToArray();
        for (var i = 0; i < tokens; i++)
            mask[Words - 1 - (i * 20)] ^= 1u << (i % 32);

        var kept = new KeptMask(mask, Near);

        Assert.Equal(mask, Copy(kept));
        Assert.Equal(tokens * 8, kept.Bytes);
    }

    [Fact]
    public void CopyTo_FarFromBoth_GivesTheMaskBackThoughTheCallerWritesOver()
    {
        var mask = Make(word => (uint)word * 2_654_435_761u);
        var expected = mask.ToArray();

        var kept = new KeptMask(mask, Near);
        Array.Clear(mask);

        Assert.Equal(expected, Copy(kept));
        Assert.Equal(Words * sizeof(uint), kept.Bytes);
    }

    [Fact]
    public void CopyTo_AHighestBitAlone_IsKept()
    {
        var mask = new uint[Words];
        mask[5] = 1u << 31;

        Assert.Equal(mask, Copy(new KeptMask(mask, Near)));
    }

    private static uint[] Copy(KeptMask kept)
    {
        var mask = Make(_ => uint.MaxValue);
        kept.CopyTo(mask);
        return mask;
    }

    private static uint[] Make(Func<int, uint> word) => [.. Enumerable.Range(0, Words).Select(word)];
}
