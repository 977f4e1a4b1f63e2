using Parley.Generator.Sampling;

namespace Parley.Generator.Tests.Sampling;

public sealed class SamplingRandomTests
{
    /// <summary>The known answers that the authors of Philox publish with Random123 (kat_vectors, philox 4x32 10).</summary>
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627E8D5u, 0xE169C58Du, 0xBC57AC4Cu, 0x9B00DBD8u)]
    [InlineData(0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFFFu,
        0x408F276Du, 0x41C83B0Eu, 0xA20BC7C6u, 0x6D5451FDu)]
    [InlineData(0x243F6A88u, 0x85A308D3u, 0x13198A2Eu, 0x03707344u, 0xA4093822u, 0x299F31D0u,
        0xD16CFE09u, 0x94FDCCEBu, 0x5001E420u, 0x24126EA1u)]
    public void Philox_KnownAnswers_AreMet(
        uint x0, uint x1, uint x2, uint x3, uint key0, uint key1, uint y0, uint y1, uint y2, uint y3) =>
        Assert.Equal((y0, y1, y2, y3), SamplingRandom.Philox(x0, x1, x2, x3, key0, key1));

    [Fact]
    public void NextUniform_ManyPositions_IsEvenAndInRange()
    {
        var buckets = new int[10];
        for (var position = 0; position < 100_000; position++)
        {
            var value = SamplingRandom.NextUniform(42, position);
            Assert.InRange(value, 0, 1 - 1e-17);
            buckets[(int)(value * 10)]++;
        }

        Assert.All(buckets, count => Assert.InRange(count, 9_600, 10_400));
    }

    [Fact]
    public void NextUniform_OtherSeedOrPosition_IsAnotherNumber()
    {
        var values = Enumerable.Range(0, 100).SelectMany(
            i => new[] { SamplingRandom.NextUniform((ulong)i, 0), SamplingRandom.NextUniform(1000, i) });
        Assert.Equal(200, values.Distinct().Count());
    }
}
