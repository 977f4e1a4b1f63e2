using System.Collections.Frozen;
using Parley.Generator.Sampling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;

namespace Parley.Generator.Tests.Sampling;

/// <summary>Settings at the edge of arithmetic: there is always a token, and it is the one that exact numbers would give.</summary>
public sealed class ExtremeSettingsTests
{
    private static readonly float[] Logits = [1, 3, 2, 3, -1, 0, -2, 1];

    private static readonly SamplingParameters Sampled = new() { Sample = true, MaxTokens = 9, Seed = 5 };

    public static TheoryData<float> TinyTemperatures => [float.Epsilon, 1e-44f, 1.17549435E-38f, 1e-38f, 1e-37f, 1e-30f, 1e-10f];

    [Theory]
    [MemberData(nameof(TinyTemperatures))]
    public void Sample_TinyTemperature_IsTheGreedyTokenUnderEveryFilter(float temperature)
    {
        float[] logits = [1, 3.0000002f, 2, 3, -1, 0, -2, 1];
        var warm = Sampled with { Temperature = temperature };
        SamplingParameters[] each =
        [
            warm, warm with { MinP = 0.1f }, warm with { MinP = 1 }, warm with { TopP = 0 }, warm with { TopP = 1e-38f },
            warm with { TypicalP = 1e-38f }, warm with { TypicalP = 0.5f }, warm with { TopK = 1 }, warm with { TopK = 3 },
            warm with { TopK = int.MaxValue }, warm with { TopK = 3, TopP = 0.9f, MinP = 0.1f, TypicalP = 0.9f },
            warm with { TopK = 50, MinP = 0.1f, TraceCandidates = 3 },
        ];
        foreach (var parameters in each)
            Assert.Equal(1u, Sample(logits, parameters));
        float[] negative = [.. logits.Select(logit => -logit)];
        foreach (var parameters in each)
            Assert.Equal(5u, Sample(negative, parameters with { TopK = 0, BannedTokenIds = [4, 6] }));
    }

    [Theory]
    [InlineData(float.Epsilon)]
    [InlineData(1e-38f)]
    [InlineData(1e-31f)]
    public void Sample_TemperatureNearZero_TiesAsGreedyDoes(float temperature)
    {
        for (var seed = 0UL; seed < 20; seed++)
            Assert.Equal(1u, Sample(Logits, Sampled with { Temperature = temperature, MinP = 0.1f, Seed = seed }));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(1e10f)]
    [InlineData(1e38f)]
    [InlineData(float.MaxValue)]
    public void Sample_HugeTemperature_MakesAllEquallyLikely(float temperature)
    {
        var sampler = new Sampler(Logits.Length, []);
        foreach (var topK in new[] { 0, 8, 50 })
        {
            sampler.Sample(Logits, Make(Sampled with { Temperature = temperature, TopK = topK }), out _);
            Assert.Equal(8, sampler.Candidates.Count);
            Assert.All(sampler.Candidates.Softmax().ToArray(), probability => Assert.Equal(0.125f, probability, 0.01));
        }

        // The three best differ no more, so all that ties with the third stays.
        var three = new Sampler(3, []);
        three.Sample([1e-8f, 3e-8f, 2e-8f], Make(Sampled with { Temperature = float.MaxValue, TopK = 1 }), out _);
        Assert.Equal(3, three.Candidates.Count);
    }

    [Fact]
    public void Sample_LogitsAtTheEdgeOfSinglePrecision_AreStillCompared()
    {
        float[] logits = [-3e38f, 3.2e38f, 3e38f, 0, float.NegativeInfinity, 3.3e38f, 1, 2];
        SamplingParameters[] each =
        [
            Sampled, Sampled with { Temperature = 0.1f }, Sampled with { Temperature = 100, TypicalP = 0.5f }, Sampled with { TopP = 0.5f },
            Sampled with { MinP = 0.1f }, Sampled with { TypicalP = 0.9f }, Sampled with { TopK = 3, TypicalP = 0.2f },
            Sampled with { Logprobs = true, TopLogprobs = 8 }, new SamplingParameters { MaxTokens = 9 },
        ];
        foreach (var parameters in each)
            Assert.Equal(5u, Sample(logits, parameters));
    }

    [Fact]
    public void Sample_BiasPenaltyOrBothBeyondSinglePrecision_SaturatesAndNeverBans()
    {
        var greedy = new SamplingParameters { MaxTokens = 9 };
        Assert.Equal(6u, Sample(Logits, greedy with { LogitBias = [new(6, float.MaxValue)], RepetitionPenalty = 1e-38f }, prompt: [6]));
        Assert.Equal(6u, Sample(Logits, greedy with { LogitBias = [new(6, float.MaxValue), new(6, float.MaxValue)] }));
        Assert.Equal(2u, Sample(Logits, greedy with { RepetitionPenalty = 1e38f }, prompt: [1, 3]));
        Assert.Equal(0u, Sample(Logits, greedy with { RepetitionPenalty = float.Epsilon }, prompt: [0]));

        // What is ruled out stays so, whatever is added to it.
        float[] ruledOut = [float.NegativeInfinity, 1, 2];
        Assert.Equal(2u, Sample(ruledOut, greedy with { PresencePenalty = -1e38f, FrequencyPenalty = -3e38f }, answer: [0, 0]));
        Assert.Equal(2u, Sample(ruledOut, greedy with { LogitBias = [new(0, float.MaxValue)], RepetitionPenalty = 1e38f }, prompt: [0]));

        // Taken to the bottom, an id is last and not out.
        Assert.Equal(4u, Sample(Logits, greedy with { LogitBias = [new(4, -float.MaxValue)], AllowedTokenIds = [4] }));
        var penalised = greedy with { PresencePenalty = float.MaxValue, FrequencyPenalty = float.MaxValue, AllowedTokenIds = [1] };
        Assert.Equal(1u, Sample(Logits, penalised, answer: [1, 1]));
        Assert.Equal(4u, Sample(Logits, greedy with { PresencePenalty = -1e38f, FrequencyPenalty = -3e38f }, answer: [4, 4]));
        Assert.Equal(1u, Sample(Logits, greedy with { PresencePenalty = float.MaxValue, FrequencyPenalty = -float.MaxValue }, answer: [1]));
    }

    [Fact]
    public void Sample_MassesOfNothingAndOfAll_KeepAtLeastTheBest()
    {
        foreach (var mass in new[] { float.Epsilon, 1e-38f, 1e-10f })
        {
            var sampler = new Sampler(4, []);
            sampler.Sample([0, 1, 5, 2], Make(Sampled with { TopP = mass }), out _);
            Assert.Equal([2], sampler.Candidates.Ids.ToArray());
            sampler.Sample([0, 1, 5, 2], Make(Sampled with { TypicalP = mass }), out _);
            Assert.Equal(1, sampler.Candidates.Count);
        }

        var all = new Sampler(Logits.Length, []);
        all.Sample(Logits, Make(Sampled with { MinP = 1 }), out _);
        Assert.Equal([1, 3], all.Candidates.Ids.ToArray());
    }

    [Theory]
    [InlineData(float.NaN, "NaN or infinity")]
    [InlineData(float.PositiveInfinity, "NaN or infinity")]
    public void Sample_ALogitThatIsNoNumber_IsTheModelsFaultWhateverIsBanned(float value, string expected)
    {
        float[] logits = [1, 3, value, 3, -1, 0, -2, 1];
        SamplingParameters[] each =
        [
            Sampled, new() { MaxTokens = 9 }, Sampled with { BannedTokenIds = [2] }, Sampled with { AllowedTokenIds = [1] },
            Sampled with { RepetitionPenalty = 1.1f }, Sampled with { TraceCandidates = 3 },
        ];
        foreach (var parameters in each)
        {
            var fault = Assert.Throws<SamplingException>(() => Sample(logits, parameters, answer: [1]));
            Assert.Equal(FailureReason.ModelFault, fault.Reason);
            Assert.Contains("token 2 of the answer", fault.Message, StringComparison.Ordinal);
            Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Sample_LogitsOfMinusInfinity_RuleIdsOutAndAllOfThemAreTheModelsFault()
    {
        var (none, one) = (Enumerable.Repeat(float.NegativeInfinity, 8).ToArray(), Enumerable.Repeat(float.NegativeInfinity, 8).ToArray());
        one[6] = -30;
        Assert.Equal(6u, Sample(one, Sampled with { Temperature = 0.1f, TopK = 5, TopP = 0.5f, MinP = 0.1f, TypicalP = 0.5f }));
        Assert.Equal(FailureReason.ModelFault, Assert.Throws<SamplingException>(() => Sample(none, Sampled)).Reason);

        new Sampler(8, []).Sample(one, Make(Sampled with { Logprobs = true, TopLogprobs = 5 }), out var detail);
        Assert.Equal((0f, 6), (detail!.Logprob!.Value, Assert.Single(detail.Top).Id));
    }

    [Fact]
    public void Sample_NothingLeft_NamesTokenAndFields()
    {
        var parameters = new SamplingParameters
        {
            MaxTokens = 9,
            MinTokens = 3,
            NoRepeatNgramSize = 1,
            AllowedTokenIds = [1, 2],
            StopTokenIds = FrozenSet.ToFrozenSet([2u]),
        };
        var fault = Assert.Throws<SamplingException>(() => Sample(Logits, parameters, answer: [1]));
        Assert.Equal(
            (FailureReason.NothingToChoose, "No id is left for token 2 of the answer: no_repeat_ngram_size 1 and min_tokens 3 and "
                + "allowed_token_ids rule out all that the model allows."), (fault.Reason, fault.Message));
    }

    [Fact]
    public void Sample_MinTokensWithIgnoredEos_HoldsOnlyStopIdsBack()
    {
        var parameters = new SamplingParameters { MaxTokens = 9, MinTokens = 1, StopTokenIds = FrozenSet.ToFrozenSet([3u]) };
        Assert.Equal(2u, new Sampler(8, [1]).Sample(Logits, Make(parameters), out _));
        Assert.Equal(1u, new Sampler(8, [1]).Sample(Logits, Make(parameters with { IgnoreEos = true }), out _));
    }

    [Fact]
    public void Sample_TheModelsOwnRules_AreThoseOfGenerate()
    {
        var first = new SamplingParameters { MaxTokens = 3, BeginBannedTokenIds = [1] };
        Assert.Equal(3u, Sample(Logits, first));
        Assert.Equal(1u, Sample(Logits, first, answer: [0]));

        var forced = new SamplingParameters { MaxTokens = 3, ForcedFirstTokenIds = [6], ForcedLastTokenIds = [5, 4] };
        Assert.Equal(6u, Sample(Logits, forced));
        Assert.Equal(1u, Sample(Logits, forced, answer: [6]));
        Assert.Equal(4u, Sample(Logits, forced, answer: [6, 1]));

        var run = new SamplingParameters { MaxTokens = 9, RunBias = [new([7, 5, 1], float.NegativeInfinity), new([2], 2), new([5, 4], 9)] };
        Assert.Equal(2u, Sample(Logits, run));
        Assert.Equal(4u, Sample(Logits, run, prompt: [7, 5]));
        Assert.Equal(1u, Sample(Logits, run with { RunBias = [], BadRuns = [[7, 5, 1]] }, prompt: [0, 5, 5]));
        Assert.Equal(3u, Sample(Logits, run with { RunBias = [], BadRuns = [[7, 5, 1]] }, prompt: [0, 7, 5]));
    }

    private static uint Sample(float[] logits, SamplingParameters parameters, uint[]? prompt = null, uint[]? answer = null) =>
        new Sampler(logits.Length, []).Sample(
            logits, new Sequence("s", prompt ?? [0], answer ?? [], parameters, new TokenStream(1)), out _);

    private static Sequence Make(SamplingParameters parameters) => new("s", [0], [], parameters, new TokenStream(1));
}
