using Parley.Generator.Sampling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;

namespace Parley.Generator.Tests.Sampling;

/// <summary>Sampling from the best logits of a row gives the token that the whole row gives, or says that it cannot.</summary>
public sealed class CandidateSamplingTests
{
    private const int Vocabulary = 500;
    private const int Candidates = 64;

    private static readonly SamplingParameters Chat = new()
    {
        Sample = true,
        Temperature = 0.6f,
        TopK = 50,
        TopP = 0.9f,
        MaxTokens = 100,
    };

    [Fact]
    public void TrySample_ManyRowsAndSettings_EqualsTheWholeRow()
    {
        var random = new Random(11);
        var (whole, few) = (new Sampler(Vocabulary, []), new Sampler(Vocabulary, []));
        var compared = 0;
        for (var i = 0; i < 2000; i++)
        {
            var parameters = Chat with
            {
                Seed = (ulong)i,
                Sample = i % 7 != 0,
                Temperature = i % 3 == 0 ? 1 : 0.2f + random.NextSingle(),
                TopK = 1 + random.Next(Candidates - 1),
                TopP = i % 2 == 0 ? 1 : 0.3f + (0.7f * random.NextSingle()),
                MinP = i % 5 == 0 ? 0.05f : 0,
                TypicalP = i % 11 == 0 ? 0.8f : 1,
            };
            // Coarse values tie often, also at the edge of the candidates.
            var logits = Row(random, levels: i % 4 == 0 ? 40 : 100_000);
            var (best, ids) = Best(logits, Candidates, random);
            if (!few.TrySample(best, ids, Make(parameters), out var id))
                continue;
            compared++;
            Assert.Equal(whole.Sample(logits, Make(parameters), out _), id);
            if (parameters.Sample)
                Assert.Equal(whole.Candidates.Softmax().ToArray(), few.Candidates.Softmax().ToArray());
        }

        Assert.InRange(compared, 1400, 2000);
    }

    [Fact]
    public void TrySample_ATieThatMayGoOnBeyondTheCandidates_IsLeftToTheWholeRow()
    {
        var logits = new float[Vocabulary];
        logits[7] = 3;
        var (best, ids) = Best(logits, Candidates, new Random(1));

        Assert.False(new Sampler(Vocabulary, []).TrySample(best, ids, Make(Chat), out _));
        Assert.True(new Sampler(Vocabulary, []).TrySample(best, ids, Make(Chat with { TopK = 1 }), out var id));
        Assert.Equal(7u, id);
    }

    [Fact]
    public void TrySample_GreedyTie_IsTheLowestId()
    {
        var logits = new float[Vocabulary];
        (logits[90], logits[31], logits[400]) = (2, 2, 2);
        var (best, ids) = Best(logits, Candidates, new Random(2));

        Assert.True(new Sampler(Vocabulary, []).TrySample(best, ids, Make(Chat with { Sample = false }), out var id));
        Assert.Equal(31u, id);
    }

    /// <summary>Two logits that differ may be one after the division by a large temperature.</summary>
    [Fact]
    public void TrySample_ATieThatTemperatureMakes_IsLeftToTheWholeRow()
    {
        var logits = new float[] { 1, MathF.BitDecrement(1), MathF.BitDecrement(MathF.BitDecrement(1)) };
        long[] ids = [0, 1, 2];
        var temperature = Enumerable.Range(30, 10).Select(tenth => tenth / 10f).First(value => logits[1] / value == logits[2] / value);
        var sampler = new Sampler(Vocabulary, []);

        Assert.False(sampler.TrySample(logits, ids, Make(Chat with { TopK = 2, Temperature = temperature }), out _));
        Assert.True(sampler.TrySample(logits, ids, Make(Chat with { TopK = 2, Temperature = 1 }), out _));
    }

    [Fact]
    public void LogitBest_WhatReadsOrChangesOtherLogits_NeedsThemAll()
    {
        Assert.Equal(Chat.TopK, Sampler.LogitBest(Make(Chat)));
        Assert.Equal(1, Sampler.LogitBest(Make(Chat with { Sample = false, TopK = 0 })));
        SamplingParameters[] others =
        [
            Chat with { TopK = 0 },
            Chat with { Temperature = 1e-30f },
            Chat with { RepetitionPenalty = 1.1f },
            Chat with { FrequencyPenalty = 0.1f },
            Chat with { NoRepeatNgramSize = 3 },
            Chat with { LogitBias = [new(3, 1)] },
            Chat with { BannedTokenIds = [3] },
            Chat with { AllowedTokenIds = [3] },
            Chat with { MinTokens = 5 },
            Chat with { Logprobs = true },
            Chat with { TraceCandidates = 5 },
        ];
        Assert.All(others, parameters => Assert.Equal(0, Sampler.LogitBest(Make(parameters))));
    }

    [Theory]
    [InlineData(0, 64, false)]
    [InlineData(1, 1, false)]
    [InlineData(1, 2, true)]
    [InlineData(50, 50, false)]
    [InlineData(50, 51, true)]
    public void Suffices_OneMoreThanCounts_IsThere(int logitBest, int candidates, bool expected) =>
        Assert.Equal(expected, CandidateSampling.Suffices(logitBest, candidates));

    private static Sequence Make(SamplingParameters parameters) => new("test", [1, 2, 3], [], parameters, new TokenStream(16));

    private static float[] Row(Random random, int levels)
    {
        var logits = new float[Vocabulary];
        for (var i = 0; i < logits.Length; i++)
            logits[i] = random.Next(levels) * (20f / levels) * random.NextSingle() > 2 ? random.Next(levels) * (20f / levels) : -3;
        return logits;
    }

    /// <summary>As TopK gives them: best first, equal ones in any order.</summary>
    private static (float[] Logits, long[] Ids) Best(float[] logits, int count, Random random)
    {
        int[] order = [.. Enumerable.Range(0, logits.Length)];
        random.Shuffle(order);
        long[] ids = [.. order.OrderByDescending(id => logits[id]).Take(count).Select(id => (long)id)];
        return ([.. ids.Select(id => logits[id])], ids);
    }
}
