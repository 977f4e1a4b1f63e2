using Parley.Generator.Execution.Kernels;

namespace Parley.Generator.Tests.Execution.Kernels;

/// <summary>The kernel alone, against double precision, in every vector width.</summary>
public sealed class PagedAttentionKernelTests
{
    private const float Tolerance = 2e-6f;

    private static readonly string[] Variants = ["AVX-512", "AVX2", "128-bit", "scalar"];

    public static TheoryData<string, string> Kernels()
    {
        var data = new TheoryData<string, string>();
        foreach (var variant in Variants)
        {
            foreach (var precision in Enum.GetNames<KvCachePrecision>())
                data.Add(variant, precision);
        }

        return data;
    }

    public static TheoryData<string, int, int, int, int> Shapes()
    {
        var data = new TheoryData<string, int, int, int, int>();
        foreach (var (variant, precision) in Kernels().Select(row => row.Data))
        {
            var kernel = $"{variant}/{precision}";
            data.Add(kernel, 1, 1, 16, 16);
            data.Add(kernel, 9, 3, 64, 32);
            data.Add(kernel, 8, 1, 48, 16);
            data.Add(kernel, 4, 2, 80, 64);
            data.Add(kernel, 7, 1, 96, 32);
            data.Add(kernel, 8, 2, 128, 128);
            data.Add(kernel, 2, 1, 256, 16);
            data.Add(kernel, 5, 1, 32, 256);
            data.Add(kernel, 6, 1, 64, 64);
            data.Add(kernel, 5, 5, 112, 32);
            data.Add(kernel, 4, 1, 512, 16);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Run_RandomRaggedSteps_EqualsDoublePrecision(
        string kernel, int queryHeads, int keyValueHeads, int headSize, int blockTokens)
    {
        var (variant, precision) = Kernel(kernel);
        using var attention = new AttentionCase(
            5, queryHeads, keyValueHeads, headSize, blockTokens, positionsMax: 220, seed: headSize, precision: precision);
        RunRaggedSteps(attention, Variant(variant, precision), Tolerance);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_WindowAndSoftcap_EqualsDoublePrecision(string variant, string precision)
    {
        var cache = Enum.Parse<KvCachePrecision>(precision);
        foreach (var (window, softcap) in new[] { (1, 0f), (17, 0f), (64, 0f), (100, 3f), (0, 1.5f) })
        {
            using var attention = new AttentionCase(
                5, 6, 2, 32, 16, positionsMax: 220, seed: window, precision: cache, windowTokens: window, softcap: softcap);
            RunRaggedSteps(attention, Variant(variant, cache), 2 * Tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_WhatFamiliesAddToIt_EqualsDoublePrecision(string variant, string precision)
    {
        var cache = Enum.Parse<KvCachePrecision>(precision);
        AttentionExtras[] cases =
        [
            new(IsInterleaved: true), new(HasNorms: true), new(HasNorms: true, IsNormLate: true, IsInterleaved: true), new(HasSinks: true),
            new(HasNorms: true, NormalizesValues: true), new(HasNorms: true, NormalizesValues: true, KeysAreValues: true),
            new(QueryBeta: 0.3f), new(IsInterleaved: true, HasNorms: true, HasSinks: true, QueryBeta: 0.1f),
        ];
        foreach (var extras in cases)
        {
            using var attention = new AttentionCase(
                5, 6, 2, 48, 16, positionsMax: 220, seed: 9, precision: cache, windowTokens: extras.HasSinks ? 40 : 0, rotaryHalf: 16,
                extras: extras);
            RunRaggedSteps(attention, Variant(variant, cache), 4 * Tolerance);
        }
    }

    /// <summary>A layer that attends to the keys of another sees what that has written, this step's too, and writes nothing.</summary>
    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_OverTheCacheOfAnotherLayer_GivesTheBitsOfThatLayer(string variant, string precision)
    {
        var cache = Enum.Parse<KvCachePrecision>(precision);
        var kernel = Variant(variant, cache);
        foreach (var keysAreValues in new[] { false, true })
        {
            using var attention = new AttentionCase(
                2, 6, 2, 48, 16, positionsMax: 420, seed: 11, precision: cache, windowTokens: keysAreValues ? 30 : 0,
                extras: new AttentionExtras(HasNorms: true, NormalizesValues: true, KeysAreValues: keysAreValues));
            foreach (var newTokens in new int[][] { [150, 3], [1, 1], [2, 90], [1, 1] })
            {
                var rows = attention.RandomRows(newTokens.Sum());
                Assert.Equal(attention.Run(kernel, newTokens, rows), attention.RunReadsOnly(kernel, rows));
            }
        }
    }

    /// <summary>A window costs what it covers: blocks behind it may hold anything, and a step has no more work for a longer past.</summary>
    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_BlocksBehindTheWindow_AreNotRead(string variant, string precision)
    {
        var cache = Enum.Parse<KvCachePrecision>(precision);
        foreach (var window in new[] { 40, 100 })
        {
            using var attention = new AttentionCase(
                2, 4, 2, 32, 16, positionsMax: 900, seed: window, precision: cache, windowTokens: window);
            var works = new List<long>();
            foreach (var newTokens in new int[][] { [300, 200], [1, 1], [1, 40], [200, 1], [90, 500], [1, 1], [1, 1] })
            {
                var rows = attention.RandomRows(newTokens.Sum());
                var actual = attention.Run(Variant(variant, cache), newTokens, rows);
                AssertClose(attention.Expected(rows, newTokens), actual, Tolerance);
                Assert.True(attention.GiveBackBehindWindow() > 0);
                if (newTokens is [1, 1])
                    works.Add(attention.KeysRead());
            }

            // Two rows, each with whole tiles of 64 positions that cover the window.
            Assert.All(works, keys => Assert.InRange(keys, 2 * window, 2 * (window + 127)));
        }
    }

    /// <summary>Norms of heads are the same bits in every vector width, as scores are not: they are what the cache keeps.</summary>
    [Fact]
    public void Run_NormsOfKeys_LieInTheCacheInTheSameBitsForEveryWidth()
    {
        var extras = new AttentionExtras(HasNorms: true);
        var caches = Variants.Select(variant =>
        {
            using var attention = new AttentionCase(1, 2, 1, 80, 16, positionsMax: 48, seed: 4, extras: extras);
            attention.Run(Variant(variant, KvCachePrecision.Fp32), [40], attention.RandomRows(40));
            return attention.KeyCache();
        }).ToList();

        Assert.All(caches, cache => Assert.Equal(caches[0], cache));
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_SeveralSegments_EqualsDoublePrecision(string variant, string precision)
    {
        var cache = Enum.Parse<KvCachePrecision>(precision);
        foreach (var window in new[] { 0, 300 })
        {
            // The second sequence is short, so the plan cuts the first one's few rows into parts.
            using var attention = new AttentionCase(
                2, 3, 1, 16, 32, positionsMax: 900, seed: 5, precision: cache, windowTokens: window);
            foreach (var newTokens in new int[][] { [700, 3], [1, 1], [70, 0], [7, 40], [1, 1] })
            {
                var rows = attention.RandomRows(newTokens.Sum());
                var actual = attention.Run(Variant(variant, cache), newTokens, rows);
                AssertClose(attention.Expected(rows, newTokens), actual, Tolerance);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_RotationOfAPartOrNone_EqualsDoublePrecision(string variant, string precision)
    {
        var cache = Enum.Parse<KvCachePrecision>(precision);
        foreach (var half in new[] { 0, 4, 8 })
        {
            using var attention = new AttentionCase(1, 4, 2, 32, 16, positionsMax: 40, seed: 3, rotaryHalf: half, precision: cache);
            var rows = attention.RandomRows(40);

            var actual = attention.Run(Variant(variant, cache), [40], rows);

            AssertClose(attention.Expected(rows, [40]), actual, Tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_SameRowsAloneBatchedOrChunked_GivesTheSameBits(string variant, string precision)
    {
        const int Length = 400;
        var cache = Enum.Parse<KvCachePrecision>(precision);
        var kernel = Variant(variant, cache);
        foreach (var window in new[] { 0, 290 })
        {
            using var whole = new AttentionCase(1, 6, 2, 32, 32, Length, seed: 1, precision: cache, windowTokens: window);
            using var single = new AttentionCase(1, 6, 2, 32, 32, Length, seed: 2, precision: cache, windowTokens: window);
            using var batched = new AttentionCase(3, 6, 2, 32, 32, Length, seed: 3, precision: cache, windowTokens: window);
            var rows = whole.RandomRows(Length);
            var width = rows.Length / Length;
            var expected = whole.Run(kernel, [Length], rows);
            var rowSize = expected.Length / Length;

            for (var token = 0; token < Length;)
            {
                // A chunk now and then, else one row, beside neighbours that differ from step to step.
                var count = token % 3 == 0 ? Math.Min(token % 2 == 0 ? 17 : 44, Length - token) : 1;
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
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_OneQueryHeadPerKeyHead_GivesTheSameBitsByTokenAndWhole(string variant, string precision)
    {
        // One token of such a head is a single row, which has a loop of its own.
        var cache = Enum.Parse<KvCachePrecision>(precision);
        var kernel = Variant(variant, cache);
        foreach (var headSize in new[] { 16, 80 })
        {
            using var whole = new AttentionCase(1, 2, 2, headSize, 16, 90, seed: 1, precision: cache, windowTokens: 70, softcap: 4);
            using var single = new AttentionCase(1, 2, 2, headSize, 16, 90, seed: 2, precision: cache, windowTokens: 70, softcap: 4);
            var rows = whole.RandomRows(90);
            var expected = whole.Run(kernel, [90], rows);

            var actual = Enumerable.Range(0, 90)
                .SelectMany(token => single.Run(kernel, [1], rows.AsSpan(rows.Length / 90 * token, rows.Length / 90).ToArray()));

            Assert.Equal(expected, actual);
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_NumbersAtTheEdgeOfTheCache_StayFinite(string variant, string precision)
    {
        var cache = Enum.Parse<KvCachePrecision>(precision);
        using var attention = new AttentionCase(1, 1, 1, 16, 16, positionsMax: 16, seed: 3, rotaryHalf: 0, precision: cache);
        var rows = new float[5 * 48];
        // Keys and values of nothing, of numbers too small and too large for float16, and of both.
        rows.AsSpan(64, 32).Fill(1e-40f);
        rows.AsSpan(112, 16).Fill(-3e-5f);
        rows.AsSpan(160, 16).Fill(1e5f);
        rows[224] = -1e5f;

        Assert.All(attention.Run(Variant(variant, cache), [5], rows), number => Assert.True(float.IsFinite(number)));
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_SameStepAgain_AllocatesNothing(string variant, string precision)
    {
        var cache = Enum.Parse<KvCachePrecision>(precision);
        using var attention = new AttentionCase(2, 3, 1, 32, 32, positionsMax: 700, seed: 5, precision: cache);
        var kernel = Variant(variant, cache);
        attention.Run(kernel, [600, 30]);
        attention.Run(kernel, [1, 1]);

        Assert.Equal(0, attention.AllocatedByStepAgain(kernel));
    }

    private static PagedAttentionKernel Variant(string name, KvCachePrecision precision) => PagedAttentionKernel.Get(precision, name);

    private static (string Variant, KvCachePrecision Precision) Kernel(string text)
    {
        var parts = text.Split('/');
        return (parts[0], Enum.Parse<KvCachePrecision>(parts[1]));
    }

    private static void RunRaggedSteps(AttentionCase attention, PagedAttentionKernel kernel, double tolerance)
    {
        var random = new Random(7);
        for (var step = 0; step < 8; step++)
        {
            // Decode rows, chunks and sequences that rest, in one step.
            int[] newTokens = [.. Enumerable.Range(0, 5).Select(_ => random.Next(4) switch { 0 => 0, 1 => random.Next(2, 40), _ => 1 })];
            if (newTokens.Sum() == 0)
                newTokens[0] = 1;
            if (step > 4)
                newTokens = [.. newTokens.Select(count => Math.Min(count, 3))];
            var rows = attention.RandomRows(newTokens.Sum());

            var actual = attention.Run(kernel, newTokens, rows);

            AssertClose(attention.Expected(rows, newTokens), actual, tolerance);
        }
    }

    private static void AssertClose(double[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * 2, $"[{i}] is {actual[i]}, not {expected[i]}");
    }
}
