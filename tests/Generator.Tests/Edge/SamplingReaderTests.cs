using Google.Rpc;
using Parley.Generator.Model;
using Parley.Generator.Sequences;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Edge;

/// <summary>What an unset field means.</summary>
public sealed class SamplingReaderTests
{
    private static readonly GenerationDefaults Sampling =
        new() { EosTokenIds = [2], DoSample = true, Temperature = 0.6f, TopK = 50, TopP = 0.9f, RepetitionPenalty = 1.1f };

    private static readonly GenerationDefaults Silent = new() { EosTokenIds = [2] };

    [Fact]
    public void Read_NothingSet_IsWhatTheModelSays()
    {
        var parameters = Read(Sampling, new Wire.SamplingParameters());
        Assert.Equal((true, 0.6f, 50, 0.9f), (parameters.Sample, parameters.Temperature, parameters.TopK, parameters.TopP));
        Assert.Equal(1.1f, parameters.RepetitionPenalty);
        Assert.False(Read(Silent, new Wire.SamplingParameters()).Sample);
    }

    [Fact]
    public void Read_ASamplingFieldForASilentModel_MeansSamplingWithTheReferencesDefaults()
    {
        Wire.SamplingParameters[] each =
            [new() { Seed = 1 }, new() { TopP = 0.5f }, new() { MinP = 0 }, new() { TypicalP = 1 }, new() { TopK = 50 }];
        foreach (var wire in each)
        {
            var parameters = Read(Silent, wire);
            Assert.Equal((true, 1f, 50), (parameters.Sample, parameters.Temperature, parameters.TopK));
        }

        Assert.Equal((0.5f, 0), Read(Silent, new() { Temperature = 0.5f, TopK = 0 }) is var p ? (p.Temperature, p.TopK) : default);
        Assert.False(Read(Silent, new() { RepetitionPenalty = 1.2f, NoRepeatNgramSize = 2 }).Sample);
    }

    [Fact]
    public void Read_TemperatureZero_IsGreedy() =>
        Assert.False(Read(Sampling, new() { Temperature = 0, TopP = 0.5f, Seed = 1 }).Sample);

    [Fact]
    public void Read_MaxTokens_IsCappedByTheOptionAndTheContext()
    {
        Assert.Equal(70, Read(Silent, new(), contextLeft: 70).MaxTokens);
        Assert.Equal(100, Read(Silent, new(), contextLeft: 500).MaxTokens);
        Assert.Equal(100, Read(Silent, new() { MaxTokens = 400 }, contextLeft: 500).MaxTokens);
        Assert.Equal(30, Read(Silent with { MaxNewTokens = 30 }, new()).MaxTokens);
        Assert.Equal(40, Read(Silent with { MaxNewTokens = 30 }, new() { MaxTokens = 40 }).MaxTokens);
    }

    [Fact]
    public void Read_NoSeed_DrawsAnotherEachTime() =>
        Assert.NotEqual(Read(Sampling, new()).Seed, Read(Sampling, new()).Seed);

    [Fact]
    public void Read_DraftTokens_AreTheRequestsWithinTheOptionsLimit()
    {
        Assert.Equal((8, false), Drafts(new(), new() { DraftTokens = 8 }));
        var on = new GeneratorOptions { DraftTokensMax = 4, DraftTokensDefault = 2 };
        Assert.Equal((2, false), Drafts(on, new()));
        Assert.Equal((0, false), Drafts(on, new() { DraftTokens = 0 }));
        Assert.Equal(2u, new SamplingReader(Silent, on, 64).Describe().DraftTokens);
        // Drafts change the speed and nothing else: to ask for them is not to ask for sampling.
        Assert.False(Read(Silent, new() { DraftTokens = 8 }).Sample);

        var violations = new List<BadRequest.Types.FieldViolation>();
        new SamplingReader(Silent, on, 64).Read(new() { DraftTokens = 5 }, 100, violations);
        Assert.Equal("sampling.draft_tokens", Assert.Single(violations).Field);
    }

    [Fact]
    public void Read_NoDraftTokens_DraftsWhatIsFreeUnlessThatIsOff()
    {
        Assert.Equal((8, true), Drafts(new(), new()));
        Assert.Equal((4, true), Drafts(new() { DraftTokensMax = 4 }, new()));
        Assert.Equal((0, false), Drafts(new(), new() { DraftTokens = 0 }));
        Assert.Equal((0, false), Drafts(new() { FreeDrafts = false }, new()));
        // How many are free is nothing that a client could send back.
        Assert.False(new SamplingReader(Silent, new(), 64).Describe().HasDraftTokens);
    }

    [Fact]
    public void Read_NoIdThatTheFirstTokenCouldBe_NamesTheFieldsThatContradict()
    {
        uint[] all = [.. Enumerable.Range(0, 64).Select(id => (uint)id)];
        Assert.Equal(
            "sampling.allowed_token_ids: holds only ids that banned_token_ids or the model's suppress_tokens rule out.",
            Violation(Silent, new() { AllowedTokenIds = { 4, 5 }, BannedTokenIds = { 5, 4, 9 } }));
        Assert.Equal("sampling.banned_token_ids: rules out every id.", Violation(Silent, new() { BannedTokenIds = { all } }));
        const string OnlyEnds =
            "sampling.min_tokens: is 1, and allowed_token_ids and banned_token_ids leave only ids that end the answer.";
        Assert.Equal(OnlyEnds, Violation(Silent, new() { MinTokens = 1, AllowedTokenIds = { 2 } }));
        Assert.Equal(OnlyEnds, Violation(Silent, new() { MinTokens = 1, AllowedTokenIds = { 2, 7 }, StopTokenIds = { 7 } }));
        Assert.Equal(OnlyEnds, Violation(Silent, new() { MinTokens = 1, BannedTokenIds = { all.Except([2u]) } }));
        Assert.Equal(
            "sampling.allowed_token_ids: and banned_token_ids leave only ids that the model's begin_suppress_tokens rules out for the "
                + "first token.", Violation(Silent with { BeginSuppressTokenIds = [6] }, new() { AllowedTokenIds = { 6 } }));
        Assert.Contains("suppress_tokens", Violation(Silent with { SuppressTokenIds = [6] }, new() { AllowedTokenIds = { 6 } }),
            StringComparison.Ordinal);

        // These leave something.
        Read(Silent, new() { AllowedTokenIds = { 2 } });
        Read(Silent, new() { MinTokens = 1, AllowedTokenIds = { 2 }, IgnoreEos = true });
        Read(Silent, new() { MinTokens = 1, AllowedTokenIds = { 2, 8 }, StopTokenIds = { 7 } });
        Read(Silent, new() { BannedTokenIds = { all.Except([2u]) } });
    }

    [Fact]
    public void Read_NumbersThatAreNone_AreRefusedByName()
    {
        foreach (var value in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            var violations = new List<BadRequest.Types.FieldViolation>();
            new SamplingReader(Silent, new(), 64).Read(
                new()
                {
                    Temperature = value,
                    TopP = value,
                    MinP = value,
                    TypicalP = value,
                    RepetitionPenalty = value,
                    PresencePenalty = value,
                    FrequencyPenalty = value,
                    LogitBias = { [3] = value },
                }, 100, violations);
            Assert.Equal(
                ["temperature", "top_p", "min_p", "typical_p", "repetition_penalty", "presence_penalty", "frequency_penalty",
                    "logit_bias[3]"], violations.Select(violation => violation.Field["sampling.".Length..]));
        }
    }

    [Fact]
    public void Read_ListsLongerThanTheOption_AreOneViolationEach()
    {
        var violations = new List<BadRequest.Types.FieldViolation>();
        var wire = new Wire.SamplingParameters();
        for (var id = 0u; id < 500; id++)
        {
            wire.LogitBias[id + 100] = 1;
            wire.AllowedTokenIds.Add(id + 100);
            wire.StopTokenIds.Add(id + 100);
        }

        new SamplingReader(Silent, new() { ListedTokenIdsMax = 499 }, 64).Read(wire, 100, violations);

        Assert.Equal(
            ["sampling.allowed_token_ids", "sampling.stop_token_ids", "sampling.logit_bias"],
            violations.Select(violation => violation.Field));
        Assert.All(violations, violation => Assert.Equal("has 500 entries, 499 are allowed.", violation.Description));
    }

    [Fact]
    public void Read_TheModelsOwnRules_HoldBesideTheRequests()
    {
        var own = Silent with
        {
            SuppressTokenIds = [5, 9],
            BeginSuppressTokenIds = [7],
            MinLength = 12,
            MaxLength = 40,
            ForcedBosTokenId = 3,
            ForcedEosTokenIds = [2],
            RunBias = [new([1, 2], 1)],
        };
        var parameters = Read(own, new() { BannedTokenIds = { 9, 11 } }, promptLength: 10);
        Assert.Equal([5, 9, 11], parameters.BannedTokenIds);
        Assert.Equal([7], parameters.BeginBannedTokenIds);
        Assert.Equal((2, 30), (parameters.MinTokens, parameters.MaxTokens));
        Assert.Empty(parameters.ForcedFirstTokenIds);
        Assert.Equal([2], parameters.ForcedLastTokenIds);
        Assert.Same(own.RunBias, parameters.RunBias);

        // Lengths of new tokens come before lengths of all, and the request before both.
        var both = own with { MinNewTokens = 0, MaxNewTokens = 50 };
        Assert.Equal((0, 50), Read(both, new(), promptLength: 10) is var p ? (p.MinTokens, p.MaxTokens) : default);
        Assert.Equal((1, 60), Read(both, new() { MinTokens = 1, MaxTokens = 60 }, promptLength: 50) is var q
            ? (q.MinTokens, q.MaxTokens) : default);
        Assert.Equal([3], Read(own, new(), promptLength: 1).ForcedFirstTokenIds);
        Assert.Equal([5u, 9u], new SamplingReader(own, new(), 64).Describe().BannedTokenIds);
    }

    [Fact]
    public void Read_PromptAsLongAsTheModelsMaxLength_AsksForMaxTokens()
    {
        Assert.StartsWith(
            "sampling.max_tokens: is unset, and the model's generation_config.json ends prompt and answer together at max_length 40; ",
            Violation(Silent with { MaxLength = 40 }, new(), promptLength: 40), StringComparison.Ordinal);
        Assert.Equal(9, Read(Silent with { MaxLength = 40 }, new() { MaxTokens = 9 }, promptLength: 40).MaxTokens);
    }

    private static string Violation(GenerationDefaults defaults, Wire.SamplingParameters wire, int promptLength = 0)
    {
        var violations = new List<BadRequest.Types.FieldViolation>();
        new SamplingReader(defaults, new(), 64).Read(wire, 100, violations, promptLength);
        var violation = Assert.Single(violations);
        return $"{violation.Field}: {violation.Description}";
    }

    private static (int Most, bool FreeOnly) Drafts(GeneratorOptions options, Wire.SamplingParameters wire)
    {
        var parameters = new SamplingReader(Silent, options, 64).Read(wire, 100, []);
        return (parameters.DraftTokens, parameters.FreeDraftsOnly);
    }

    private static SamplingParameters Read(
        GenerationDefaults defaults, Wire.SamplingParameters wire, int contextLeft = 1000, int promptLength = 0)
    {
        var violations = new List<BadRequest.Types.FieldViolation>();
        var reader = new SamplingReader(defaults, new GeneratorOptions { CompletionTokensMax = 100 }, 64);
        var parameters = reader.Read(wire, contextLeft, violations, promptLength);
        Assert.Empty(violations);
        return parameters;
    }
}
