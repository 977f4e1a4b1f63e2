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

    private static (int Most, bool FreeOnly) Drafts(GeneratorOptions options, Wire.SamplingParameters wire)
    {
        var parameters = new SamplingReader(Silent, options, 64).Read(wire, 100, []);
        return (parameters.DraftTokens, parameters.FreeDraftsOnly);
    }

    private static SamplingParameters Read(GenerationDefaults defaults, Wire.SamplingParameters wire, int contextLeft = 1000)
    {
        var violations = new List<BadRequest.Types.FieldViolation>();
        var reader = new SamplingReader(defaults, new GeneratorOptions { CompletionTokensMax = 100 }, 64);
        var parameters = reader.Read(wire, contextLeft, violations);
        Assert.Empty(violations);
        return parameters;
    }
}
