using Parley.Generator.Execution.Kernels;
using Parley.Generator.Execution.Kernels.Latent;

namespace Parley.Generator.Tests.Execution.Kernels.Latent;

/// <summary>Latent attention alone, against double precision, in every vector width and kind of cache.</summary>
public sealed class LatentAttentionKernelTests
{
    private const double Tolerance = 4e-6;

    public static TheoryData<string, string> Kernels()
    {
        var data = new TheoryData<string, string>();
        foreach (var variant in new[] { "AVX-512", "AVX2", "128-bit", "scalar" })
        {
            foreach (var precision in Enum.GetNames<KvCachePrecision>())
                data.Add(variant, precision);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_RaggedSteps_EqualsDoublePrecision(string variant, string precision)
    {
        var (cache, kernel) = Get(variant, precision);
        foreach (var (heads, rank, rotary, interleaved) in new[]
        {
            (1, 16, 2, true), (4, 32, 8, true), (20, 48, 16, false), (6, 80, 32, true), (17, 64, 24, true),
        })
        {
            using var latent = new LatentCase(3, heads, rank, rotary, positionsMax: 90, seed: rank, cache, interleaved);
            foreach (var newTokens in new int[][] { [5, 0, 40], [1, 1, 1], [17, 3, 0], [0, 30, 2], [1, 1, 1] })
                AssertStep(latent, kernel, newTokens);
        }
    }

    /// <summary>More positions than a segment: parts of a row's keys go to several units, and are merged in their order.</summary>
    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_SeveralSegments_EqualsDoublePrecision(string variant, string precision)
    {
        var (cache, kernel) = Get(variant, precision);
        using var latent = new LatentCase(2, 3, 16, 4, positionsMax: 640, seed: 5, cache);
        foreach (var newTokens in new int[][] { [560, 3], [1, 1], [40, 0], [1, 1] })
            AssertStep(latent, kernel, newTokens);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_SameRowsAloneBatchedOrChunked_GivesTheSameBits(string variant, string precision)
    {
        const int Length = 300;
        var (cache, kernel) = Get(variant, precision);
        using var whole = new LatentCase(1, 6, 32, 8, Length, seed: 1, cache);
        using var single = new LatentCase(1, 6, 32, 8, Length, seed: 2, cache);
        using var batched = new LatentCase(3, 6, 32, 8, Length, seed: 3, cache);
        var rows = whole.RandomRows(Length);
        var expected = whole.Run(kernel, [Length], rows);
        var (width, rowSize) = (whole.RowSize, expected.Length / Length);
        for (var token = 0; token < Length;)
        {
            var count = token % 3 == 0 ? Math.Min(token % 2 == 0 ? 17 : 44, Length - token) : 1;
            var chunk = rows.AsSpan(token * width, count * width).ToArray();
            var reference = expected.AsSpan(token * rowSize, count * rowSize).ToArray();
            var neighbours = token % 2;

            var alone = single.Run(kernel, [count], chunk);
            var together = batched.Run(
                kernel, [neighbours, count, 1], [.. batched.RandomRows(neighbours), .. chunk, .. batched.RandomRows(1)]);

            Assert.Equal(reference, alone);
            Assert.Equal(reference, together.AsSpan(neighbours * rowSize, count * rowSize).ToArray());
            token += count;
        }
    }

    [Fact]
    public void Fault_OfWhatDoesNotFit_IsNamed()
    {
        using var latent = new LatentCase(1, 4, 32, 8, 40, seed: 1);

        Assert.Null(latent.FaultOf(_ => { }));
        Assert.Contains("the latent has 20 numbers", latent.FaultOf(one => one.SetRank(20)), StringComparison.Ordinal);
        latent.SetRank(32);
        Assert.Contains("7 numbers of a head turn", latent.FaultOf(one => one.SetRotary(7)), StringComparison.Ordinal);
        Assert.Contains("more than half of the 6", latent.FaultOf(one => one.SetRotary(6)), StringComparison.Ordinal);
        latent.SetRotary(8);
        Assert.Contains("block 0 of sequence 0 is 99", latent.FaultOf(one => one.SetBlock(99)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(20, 10)]
    [InlineData(17, 1)]
    [InlineData(128, 16)]
    public void Group_OfHeads_DividesThem(int heads, int expected) => Assert.Equal(expected, LatentAttentionStep.GroupOf(heads));

    private static void AssertStep(LatentCase latent, LatentAttentionKernel kernel, int[] newTokens)
    {
        var rows = latent.RandomRows(newTokens.Sum());
        var actual = latent.Run(kernel, newTokens, rows);
        var expected = latent.Expected(newTokens, rows);
        var largest = expected.Max(Math.Abs);
        for (var i = 0; i < expected.Length; i++)
            Assert.InRange(Math.Abs(actual[i] - expected[i]) / largest, 0, Tolerance);
    }

    private static (KvCachePrecision Precision, LatentAttentionKernel Kernel) Get(string variant, string precision)
    {
        var cache = Enum.Parse<KvCachePrecision>(precision);
        return (cache, LatentAttentionKernel.Get(cache, variant));
    }
}
