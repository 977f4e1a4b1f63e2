using Parley.Generator.Execution.Kernels;

namespace Parley.Generator.Tests.Execution.Kernels;

/// <summary>The kernel alone, against double precision, in every vector width.</summary>
public sealed class PagedAttentionKernelTests
{
    private const float Tolerance = 2e-6f;

    public static TheoryData<string, int, int, int, int> Shapes()
    {
        var data = new TheoryData<string, int, int, int, int>();
        foreach (var variant in new[] { "AVX-512", "AVX2", "128-bit", "scalar" })
        {
            data.Add(variant, 1, 1, 16, 16);
            data.Add(variant, 9, 3, 64, 32);
            data.Add(variant, 8, 1, 48, 16);
            data.Add(variant, 4, 2, 80, 64);
            data.Add(variant, 8, 2, 128, 128);
            data.Add(variant, 5, 5, 32, 32);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Run_RandomRaggedSteps_EqualsDoublePrecision(
        string variant, int queryHeads, int keyValueHeads, int headSize, int blockTokens)
    {
        using var attention = new AttentionCase(5, queryHeads, keyValueHeads, headSize, blockTokens, positionsMax: 220, seed: headSize);
        var random = new Random(queryHeads);
        for (var step = 0; step < 12; step++)
        {
            // Decode rows, chunks and sequences that rest, in one step.
            int[] newTokens = [.. Enumerable.Range(0, 5).Select(_ => random.Next(4) switch { 0 => 0, 1 => random.Next(2, 40), _ => 1 })];
            if (newTokens.Sum() == 0)
                newTokens[0] = 1;
            if (step > 4)
                newTokens = [.. newTokens.Select(count => Math.Min(count, 3))];
            var rows = attention.RandomRows(newTokens.Sum());

            var actual = attention.Run(Variant(variant), newTokens, rows);

            AssertClose(attention.Expected(rows, newTokens), actual);
        }
    }

    [Theory]
    [InlineData("AVX-512")]
    [InlineData("AVX2")]
    [InlineData("128-bit")]
    [InlineData("scalar")]
    public void Run_RotationOfAPartOrNone_EqualsDoublePrecision(string variant)
    {
        foreach (var half in new[] { 0, 4, 8 })
        {
            using var attention = new AttentionCase(1, 4, 2, 32, 16, positionsMax: 40, seed: 3, rotaryHalf: half);
            var rows = attention.RandomRows(40);

            var actual = attention.Run(Variant(variant), [40], rows);

            AssertClose(attention.Expected(rows, [40]), actual);
        }
    }

    [Theory]
    [InlineData("AVX-512")]
    [InlineData("AVX2")]
    [InlineData("128-bit")]
    [InlineData("scalar")]
    public void Run_SameRowsAloneBatchedOrChunked_GivesTheSameBits(string variant)
    {
        const int Length = 150;
        var kernel = Variant(variant);
        using var whole = new AttentionCase(1, 6, 2, 64, 32, Length, seed: 1);
        using var single = new AttentionCase(1, 6, 2, 64, 32, Length, seed: 2);
        using var batched = new AttentionCase(3, 6, 2, 64, 32, Length, seed: 3);
        var rows = whole.RandomRows(Length);
        var width = rows.Length / Length;
        var expected = whole.Run(kernel, [Length], rows);
        var rowSize = expected.Length / Length;

        for (var token = 0; token < Length;)
        {
            // A chunk now and then, else one row, beside neighbours that differ from step to step.
            var count = token % 3 == 0 ? Math.Min(17, Length - token) : 1;
            var chunk = rows.AsSpan(token * width, count * width).ToArray();
            var reference = expected.AsSpan(token * rowSize, count * rowSize).ToArray();

            var alone = single.Run(kernel, [count], chunk);
            var neighbours = token % 2;
            var together = batched.Run(
                kernel, [neighbours, count, 1], [.. batched.RandomRows(neighbours), .. chunk, .. batched.RandomRows(1)]);

            Assert.Equal(reference, alone);
            Assert.Equal(reference, together.AsSpan(neighbours * rowSize, count * rowSize).ToArray());
            token += count;
        }
    }

    internal static PagedAttentionKernel Variant(string name) =>
        new[]
        {
            PagedAttentionKernel.Vector512Variant, PagedAttentionKernel.Vector256Variant,
            PagedAttentionKernel.Vector128Variant, PagedAttentionKernel.ScalarVariant,
        }.Single(variant => variant.Name == name);

    private static void AssertClose(double[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= Tolerance * 2, $"[{i}] is {actual[i]}, not {expected[i]}");
    }
}
