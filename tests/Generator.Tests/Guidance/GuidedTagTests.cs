using Parley.Generator.Guides;
using Parley.Generator.Guides.Notations;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Guidance;

/// <summary>Sequences under a structural tag or a grammar in an engine's steps: what guides of JSON keep, these keep too.</summary>
public sealed class GuidedTagTests
{
    private const string Calls =
        """
        {"type":"structural_tag","format":{"type":"triggered_tags","triggers":["<|tool|>"],"at_least_one":true,"tags":[{"type":"tag",
        "begin":"<|tool|>name","content":{"type":"json_schema","json_schema":{"type":"object","properties":{"age":{"type":"integer","minimum":0,
        "maximum":99}},"required":["age"],"additionalProperties":false}},"end":"}"}],"stop_after_first":true}}
        """;

    private static readonly SamplingParameters Sampled = EngineBench.Sampled(5, 120) with { Temperature = 2, TopK = 0, TopP = 1 };

    [Fact]
    public void Step_TagOfASpecialToken_SaysTheTokenAndWhatFollows()
    {
        using var bench = new EngineBench();
        var sequence = Submit(bench, Tag(Calls), Sampled);
        bench.Drive();

        var answer = EngineBench.Read(sequence);
        Assert.Equal(GuideWorld.Special, answer[0]);
        Assert.Single(answer, id => id == GuideWorld.Special);
        Assert.Matches("""^name\{"age":[0-9]{1,2}\}\}$""", GuideWorld.Text(answer));
        Assert.Equal(FinishReason.Eos, sequence.Stream.End!.Finish);
    }

    [Fact]
    public void Step_EndOfTheAnswerAsTheTagsEnd_EndsIt()
    {
        using var bench = new EngineBench();
        var tag = Tag("""{"format":{"type":"tag","begin":"<|tool|>","content":{"type":"regex","pattern":"[ab]{2,4}"},"end":"<|end|>"}}""");
        var sequence = Submit(bench, tag, Sampled);
        bench.Drive();

        Assert.Equal(FinishReason.Eos, sequence.Stream.End!.Finish);
        Assert.Matches("^[ab]{2,4}$", GuideWorld.Text(EngineBench.Read(sequence)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Step_WithDraftsAmongOthersPreemptedOrResumed_SaysTheSame(bool isTag)
    {
        var guide = isTag
            ? Tag(Calls)
            : Guide.FromGrammar("root ::= \"[\" (root | \"name\" [0-9]) \"]\" | \"ab\"", GrammarSyntax.Gbnf, GuideSettings.Default, GuideWorld.Tokens);
        using var tight = new EngineBench(new ScriptedModelRunner(blockCount: 14), draftTokensMax: 4, contextTokensMax: 48);
        var sequences = Enumerable.Range(0, 5).Select(i => Submit(tight, guide, Sampled with { Seed = (ulong)i, MaxTokens = 30 }, (uint)i)).ToList();
        tight.Drive();

        for (var i = 0; i < sequences.Count; i++)
        {
            using var alone = new EngineBench(contextTokensMax: 48);
            var same = Submit(alone, guide, Sampled with { Seed = (ulong)i, MaxTokens = 30 }, (uint)i);
            alone.Drive();
            var whole = EngineBench.Read(same);
            Assert.Equal(whole, EngineBench.Read(sequences[i]));

            var cut = whole.Length / 2;
            var matcher = guide.Begin();
            Assert.All(whole[..cut], id => Assert.True(matcher.TryTake((int)id)));
            using var second = new EngineBench(contextTokensMax: 48);
            var resumed = second.Submit(
                EngineBench.Prompt(9, (uint)i), Sampled with { Seed = (ulong)i, MaxTokens = 30 }, resumed: whole[..cut], guide: matcher);
            second.Drive();
            Assert.Equal(whole[cut..], EngineBench.Read(resumed));
        }
    }

    private static Guide Tag(string tag) => Guide.FromStructuralTag(tag, GuideSettings.Default, GuideWorld.Tokens);

    private static Sequence Submit(EngineBench bench, Guide guide, SamplingParameters parameters, uint salt = 0) =>
        bench.Submit(EngineBench.Prompt(9, salt), parameters, guide: guide.Begin());
}
