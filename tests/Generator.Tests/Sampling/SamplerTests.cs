using System.Collections.Frozen;
using Parley.Generator.Sampling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;

namespace Parley.Generator.Tests.Sampling;

public sealed class SamplerTests
{
    private static readonly float[] Logits = [1, 3, 2, 3, -1, 0, -2, 1];

    [Fact]
    public void Sample_GreedyWithTies_TakesTheLowestId()
    {
        Assert.Equal(1u, Sample(new SamplingParameters { MaxTokens = 9 }));
        var wide = new float[1000];
        wide[300] = wide[700] = wide[701] = 4;
        var sampler = new Sampler(1000, []);
        Assert.Equal(300u, sampler.Sample(wide, Make(new SamplingParameters { MaxTokens = 9 }), out _));
    }

    [Fact]
    public void Sample_LogitBias_ComesBeforeEverything()
    {
        Assert.Equal(6u, Sample(new SamplingParameters { MaxTokens = 9, LogitBias = [KeyValuePair.Create(6, 10f)] }));
        Assert.Equal(3u, Sample(new SamplingParameters { MaxTokens = 9, LogitBias = [KeyValuePair.Create(1, -1f)] }));
    }

    [Fact]
    public void Sample_PresenceAndFrequency_CountTheAnswerOnly()
    {
        // Prompt 1 1, answer 3 3: id 3 loses 0.5 + 2 × 0.25, id 1 nothing.
        var parameters = new SamplingParameters { MaxTokens = 9, PresencePenalty = 0.5f, FrequencyPenalty = 0.25f, Sample = true };
        var sequence = new Sequence("s", [1, 1], [3], parameters, new TokenStream(1));
        sequence.Append(3);
        var sampler = new Sampler(Logits.Length, []);
        sampler.Sample(Logits, sequence, out _);
        Assert.Equal(3f, sampler.Candidates.Scores[1]);
        Assert.Equal(2f, sampler.Candidates.Scores[3]);
    }

    [Fact]
    public void Sample_AllowedAndBanned_LeaveNothingElse()
    {
        Assert.Equal(5u, Sample(new SamplingParameters { MaxTokens = 9, AllowedTokenIds = [4, 5, 6] }));
        Assert.Equal(4u, Sample(new SamplingParameters { MaxTokens = 9, AllowedTokenIds = [4, 5, 6], BannedTokenIds = [5] }));
        var nothing = new SamplingParameters { MaxTokens = 9, AllowedTokenIds = [5], BannedTokenIds = [5] };
        Assert.Throws<SamplingException>(() => Sample(nothing));
    }

    [Fact]
    public void Sample_MinTokens_HoldsEosAndStopIdsBack()
    {
        var parameters = new SamplingParameters { MaxTokens = 9, MinTokens = 1, StopTokenIds = FrozenSet.ToFrozenSet([3u]) };
        Assert.Equal(2u, new Sampler(Logits.Length, [1]).Sample(Logits, Make(parameters), out _));
    }

    [Fact]
    public void Sample_ManySeeds_FollowsTheProbabilities()
    {
        var parameters = new SamplingParameters { MaxTokens = 9, Sample = true, TopK = 3 };
        var sampler = new Sampler(Logits.Length, []);
        var counts = new int[Logits.Length];
        for (var seed = 0UL; seed < 20_000; seed++)
            counts[sampler.Sample(Logits, Make(parameters with { Seed = seed }), out _)]++;

        // e³ : e³ : e² = 0.4223, 0.4223, 0.1554; four standard deviations are about 0.014.
        Assert.InRange(counts[1] / 20_000.0, 0.408, 0.437);
        Assert.InRange(counts[3] / 20_000.0, 0.408, 0.437);
        Assert.InRange(counts[2] / 20_000.0, 0.145, 0.166);
        Assert.Equal(20_000, counts[1] + counts[2] + counts[3]);
    }

    [Fact]
    public void Sample_Logprobs_AreOfTheModelsOwnLogits()
    {
        var parameters = new SamplingParameters { MaxTokens = 9, Logprobs = true, TopLogprobs = 3, BannedTokenIds = [1, 3] };
        var sampler = new Sampler(Logits.Length, []);
        var id = sampler.Sample(Logits, Make(parameters), out var detail);
        var normalizer = Math.Log(Logits.Sum(logit => Math.Exp(logit)));
        Assert.Equal(2u, id);
        Assert.Equal(2 - normalizer, detail!.Logprob!.Value, 1e-5);
        Assert.Equal([1, 3, 2], detail.Top.Select(token => token.Id));
        Assert.Equal(3 - normalizer, detail.Top[0].Logprob, 1e-5);
    }

    [Fact]
    public void Sample_Trace_HoldsTheChosenTokenAndZeroAfterItsFilter()
    {
        var parameters = new SamplingParameters
        {
            MaxTokens = 9,
            TraceCandidates = 3,
            Sample = true,
            TopK = 1,
            LogitBias = [KeyValuePair.Create(6, 10f)],
        };
        var id = new Sampler(Logits.Length, []).Sample(Logits, Make(parameters), out var detail);
        Assert.Equal(6u, id);
        Assert.Equal([1, 3, 2, 6], detail!.Trace.Select(candidate => candidate.Id));
        Assert.Equal(["logits", "logit_bias", "top_k"], detail.Trace[0].Stages.Select(stage => stage.Key));
        Assert.Equal(0, detail.Trace[0].Stages[2].Value);
        Assert.Equal(1, detail.Trace[3].Stages[2].Value);
    }

    [Fact]
    public void Sample_WithoutDetails_AllocatesNothing()
    {
        var sampler = new Sampler(50_000, []);
        var logits = Enumerable.Range(0, 50_000).Select(i => MathF.Sin(i) * 5).ToArray();
        var sequence = Make(new SamplingParameters
        {
            MaxTokens = 9,
            Sample = true,
            Temperature = 0.6f,
            TopP = 0.9f,
            MinP = 0.001f,
            TypicalP = 0.95f,
        });
        for (var i = 0; i < 50; i++)
            sampler.Sample(logits, sequence, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++)
            sampler.Sample(logits, sequence, out _);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static Sequence Make(SamplingParameters parameters) => new("s", [0], [], parameters, new TokenStream(1));

    private static uint Sample(SamplingParameters parameters) => new Sampler(Logits.Length, []).Sample(Logits, Make(parameters), out _);
}
