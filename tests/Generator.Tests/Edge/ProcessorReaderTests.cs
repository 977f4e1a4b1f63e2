using Google.Rpc;
using Parley.Generator.Model;
using Parley.Generator.Sequences;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Edge;

/// <summary>The settings that few requests have: what they mean, and what is wrong with them.</summary>
public sealed class ProcessorReaderTests
{
    private static readonly GenerationDefaults Silent = new() { EosTokenIds = [2] };

    [Fact]
    public void Read_NothingThatIsOn_CostsNothing()
    {
        var off = new Wire.Processors
        {
            TopNSigma = 0,
            TopH = 0,
            EpsilonCutoff = 0,
            EtaCutoff = 0,
            DryMultiplier = 0,
            DryBase = 2,
            XtcProbability = 0,
            XtcThreshold = 0.2f,
            DynatempRange = 0,
            Mirostat = 0,
            MirostatTau = 3,
            PenaltyLastN = 64,
            EncoderRepetitionPenalty = 1,
            DrySequenceBreakers = { new Wire.TokenRun { Ids = { 4 } } },
        };
        var parameters = Read(new() { Processors = off });
        Assert.Null(parameters.Processors);
        Assert.False(parameters.Sample);
        Assert.True(SameSettings(Read(new() { Seed = 1 }), Read(new() { Seed = 1, Processors = off })));
    }

    [Fact]
    public void Read_AFilterThatIsOn_MeansSampling()
    {
        Wire.Processors[] each =
        [
            new() { TopNSigma = 1 }, new() { TopH = 0.5f }, new() { EpsilonCutoff = 0.01f }, new() { EtaCutoff = 0.01f },
            new() { XtcProbability = 0.5f }, new() { DynatempRange = 0.5f }, new() { Mirostat = 2 },
        ];
        Assert.All(each, wire => Assert.True(Read(new() { Processors = wire }).Sample));
        Assert.False(Read(new() { Processors = new() { DryMultiplier = 0.8f } }).Sample);
    }

    [Fact]
    public void Read_EverySetting_IsTakenWithTheDefaultsOfTheOthers()
    {
        var wire = new Wire.Processors
        {
            DryMultiplier = 0.8f,
            XtcProbability = 0.5f,
            DynatempRange = 0.25f,
            EncoderRepetitionPenalty = 1.2f,
            TopNSigma = 2,
            TopH = 0.5f,
            EpsilonCutoff = 0.01f,
            EtaCutoff = 0.02f,
            ExponentialDecayLengthPenalty = new() { Start = 3, Factor = 1.1f },
            BadWords = { new Wire.TokenRun { Ids = { 5, 6 } }, new Wire.TokenRun { Ids = { 2 } }, new Wire.TokenRun { Ids = { 7 } } },
            SequenceBias = { new Wire.BiasedRun { Ids = { 8 }, Bias = -1.5f } },
            ForcedBosTokenId = 9,
            ForcedEosTokenIds = { 10, 11 },
            DrySequenceBreakers =
            {
                new Wire.TokenRun { Ids = { 4 } }, new Wire.TokenRun { Ids = { 4, 5 } }, new Wire.TokenRun { Ids = { 6 } },
            },
        };
        var parameters = Read(new() { Processors = wire, Temperature = 0.7f }, promptLength: 1);
        var processors = parameters.Processors!;
        Assert.Equal(new XtcSettings(0.5f, 0.1f), processors.Xtc);
        Assert.Equal(new DynamicTemperatureSettings(0.25f, 1), processors.DynamicTemperature);
        Assert.Equal(new LengthDecaySettings(3, 1.1f), processors.LengthDecay);
        Assert.Equal((1.2f, 2f, 0.5f, 0.01f, 0.02f), (
            processors.EncoderRepetitionPenalty, processors.TopNSigma, processors.TopH, processors.EpsilonCutoff, processors.EtaCutoff));
        Assert.Equal(
            (0.8f, 1.75f, 2, int.MaxValue),
            processors.Dry is { } dry ? (dry.Multiplier, dry.Base, dry.AllowedLength, dry.LastTokens) : default);
        Assert.Equal([[], [5u]], processors.Dry!.Breakers[4]);
        Assert.Equal(2, processors.Dry.Breakers.Count);

        // As in transformers, an end-of-sequence id alone is no bad word.
        Assert.Equal([[5u, 6u], [7u]], parameters.BadRuns);
        Assert.Equal(-1.5f, Assert.Single(parameters.RunBias).Bias);
        Assert.Equal([9], parameters.ForcedFirstTokenIds);
        Assert.Equal([10, 11], parameters.ForcedLastTokenIds);
        Assert.Empty(Read(new() { Processors = wire }, promptLength: 2).ForcedFirstTokenIds);
    }

    [Fact]
    public void Read_Mirostat_TakesThePlaceOfTheModelsFilters()
    {
        var own = Silent with
        {
            DoSample = true,
            Temperature = 0.6f,
            TopK = 50,
            TopP = 0.9f,
            MinP = 0.1f,
            TypicalP = 0.9f,
            EtaCutoff = 0.1f,
        };
        var parameters = Read(new() { Processors = new() { Mirostat = 1 } }, own);
        Assert.Equal((0, 1f, 0f, 1f), (parameters.TopK, parameters.TopP, parameters.MinP, parameters.TypicalP));
        Assert.Equal((new MirostatSettings(1, 5, 0.1f), 0f), (parameters.Processors!.Mirostat, parameters.Processors.EtaCutoff));
        Assert.Equal(0.1f, Read(new(), own).Processors!.EtaCutoff);
        Assert.Equal(new Wire.Processors { EtaCutoff = 0.1f }, new SamplingReader(own, new(), 64).Describe().Processors);
        Assert.Null(new SamplingReader(Silent, new(), 64).Describe().Processors);
        Assert.Null(Read(new() { Temperature = 0 }, own).Processors);
    }

    [Fact]
    public void Read_LastN_IsOfNoAccountWithoutPenaltiesAndSwitchesThemOffAtZero()
    {
        Assert.Equal(64, Read(new() { RepetitionPenalty = 1.2f, Processors = new() { PenaltyLastN = 64 } }).Processors!.PenaltyLastTokens);
        var off = Read(new() { RepetitionPenalty = 1.2f, PresencePenalty = 1, Processors = new() { PenaltyLastN = 0 } });
        Assert.Equal((false, null), (off.HasPenalties, off.Processors));
    }

    [Fact]
    public void Read_EverythingWrong_IsToldAtOnceByField()
    {
        var wire = new Wire.Processors
        {
            TopNSigma = -1,
            TopH = 1.5f,
            EpsilonCutoff = 1,
            EtaCutoff = float.NaN,
            EncoderRepetitionPenalty = 0,
            DryMultiplier = 101,
            DryBase = 0.5f,
            DryAllowedLength = 2000,
            XtcProbability = 1.1f,
            XtcThreshold = -0.1f,
            DynatempRange = -1,
            DynatempExponent = 101,
            Mirostat = 3,
            MirostatTau = -1,
            MirostatEta = 2,
            ExponentialDecayLengthPenalty = new() { Factor = 0 },
            BadWords = { new Wire.TokenRun { Ids = { 64 } }, new Wire.TokenRun() },
            SequenceBias = { new Wire.BiasedRun { Ids = { 1 }, Bias = float.PositiveInfinity } },
            ForcedBosTokenId = 70,
            ForcedEosTokenIds = { 1, 99 },
        };
        Assert.Equal(
            [
                "bad_words[0].ids[0]", "bad_words[1]", "dry_allowed_length", "dry_base", "dry_multiplier", "dynatemp_exponent",
                "dynatemp_range", "encoder_repetition_penalty", "epsilon_cutoff", "eta_cutoff", "exponential_decay_length_penalty.factor",
                "forced_bos_token_id", "forced_eos_token_ids[1]", "mirostat", "mirostat_eta", "mirostat_tau",
                "sequence_bias[0].bias", "top_h", "top_n_sigma", "xtc_probability", "xtc_threshold",
            ],
            Violations(new() { Processors = wire }).Select(violation => violation.Field["sampling.processors.".Length..])
                .Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("sampling.processors.mirostat: cuts by itself: it contradicts top_p.", "top_p")]
    [InlineData("sampling.processors.mirostat: draws by chance, and temperature 0 does not.", "greedy mirostat")]
    [InlineData("sampling.processors.xtc_probability: draws by chance, and temperature 0 does not.", "greedy xtc")]
    [InlineData("sampling.processors.mirostat: depends on the probabilities of past steps, which resume_ids do not tell.", "resume")]
    [InlineData("sampling.processors.exponential_decay_length_penalty: makes an end likelier that ignore_eos ignores.", "decay")]
    [InlineData("sampling.processors.forced_eos_token_ids: contradict the guide, which says what stands where.", "guide")]
    [InlineData("sampling.processors.forced_eos_token_ids: are ruled out by allowed_token_ids or banned_token_ids.", "forced")]
    [InlineData(
        "sampling.allowed_token_ids: holds only ids that banned_token_ids, bad_words or the model's suppress_tokens rule out.", "bad")]
    public void Read_SettingsThatContradict_AreRefused(string expected, string name)
    {
        var mirostat = new Wire.Processors { Mirostat = 2 };
        Wire.SamplingParameters wire = name switch
        {
            "top_p" => new() { TopP = 0.9f, TopK = 0, MinP = 0, Processors = mirostat },
            "greedy mirostat" => new() { Temperature = 0, Processors = mirostat },
            "greedy xtc" => new() { Temperature = 0, Processors = new() { XtcProbability = 0.1f } },
            "resume" => new() { Seed = 1, Processors = mirostat },
            "decay" => new()
            {
                IgnoreEos = true,
                Processors = new() { ExponentialDecayLengthPenalty = new() { Start = 1, Factor = 1.1f } },
            },
            "guide" => new() { Guide = new() { Regex = "a" }, Processors = new() { ForcedEosTokenIds = { 5 } } },
            "forced" => new() { BannedTokenIds = { 5 }, Processors = new() { ForcedEosTokenIds = { 5 } } },
            _ => new() { AllowedTokenIds = { 5 }, Processors = new() { BadWords = { new Wire.TokenRun { Ids = { 5 } } } } },
        };
        var violation = Assert.Single(Violations(wire, resumedLength: name == "resume" ? 3 : 0));
        Assert.Equal(expected, $"{violation.Field}: {violation.Description}");
    }

    [Fact]
    public void Read_ListsBeyondTheOptions_AreRefusedBeforeTheyAreLookedAt()
    {
        var options = new GeneratorOptions { ListedTokenIdsMax = 3, DryBreakerIdsMax = 2 };
        var wire = new Wire.Processors
        {
            BadWords = { new Wire.TokenRun { Ids = { 1, 2 } }, new Wire.TokenRun { Ids = { 1, 900 } } },
            DrySequenceBreakers = { new Wire.TokenRun { Ids = { 1, 2, 900 } } },
        };
        var violations = new List<BadRequest.Types.FieldViolation>();
        new SamplingReader(Silent, options, 64).Read(new() { Processors = wire }, 100, violations);
        Assert.Equal(
            [
                "sampling.processors.bad_words: has 4 ids, 3 are allowed.",
                "sampling.processors.dry_sequence_breakers: has 3 ids, 2 are allowed.",
            ],
            violations.Select(violation => $"{violation.Field}: {violation.Description}"));
    }

    private static bool SameSettings(SamplingParameters one, SamplingParameters other) =>
        (one.Sample, one.Temperature, one.TopK, one.HasPenalties, one.RunBias.Count, one.BadRuns.Count, one.Processors)
        == (other.Sample, other.Temperature, other.TopK, other.HasPenalties, other.RunBias.Count, other.BadRuns.Count, other.Processors);

    private static SamplingParameters Read(Wire.SamplingParameters wire, GenerationDefaults? defaults = null, int promptLength = 0)
    {
        var violations = new List<BadRequest.Types.FieldViolation>();
        var parameters = new SamplingReader(defaults ?? Silent, new(), 64).Read(wire, 100, violations, promptLength);
        Assert.Empty(violations);
        return parameters;
    }

    private static List<BadRequest.Types.FieldViolation> Violations(Wire.SamplingParameters wire, int resumedLength = 0)
    {
        var violations = new List<BadRequest.Types.FieldViolation>();
        new SamplingReader(Silent, new(), 64).Read(wire, 100, violations, resumedLength: resumedLength);
        return violations;
    }
}
