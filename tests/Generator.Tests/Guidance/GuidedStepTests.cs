using System.Collections.Frozen;
using System.Text.Json;
using Parley.Generator.Guides;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Guidance;

/// <summary>Sequences with guides in an engine's steps: whatever the model wants, and whatever else happens to them.</summary>
public sealed class GuidedStepTests
{
    private const string Person =
        """
        {"type":"object","properties":{"name":{"type":"string","pattern":"^[a-z]{1,4}$"},"age":{"type":"integer","minimum":0,"maximum":120},
        "tags":{"type":"array","items":{"enum":["ab","cd"]},"maxItems":3}},"required":["name","age"],"additionalProperties":false}
        """;

    private static readonly SamplingParameters Sampled = EngineBench.Sampled(5, 200) with { Temperature = 2, TopK = 0, TopP = 1 };

    [Fact]
    public void Step_RandomWeights_AnswersMeetTheSchemaAndEndThere()
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 400));
        var guide = GuideWorld.Schema(Person);
        var sequences = Enumerable.Range(0, 40).Select(i => Submit(bench, guide, Sampled with { Seed = (ulong)i }, salt: (uint)i)).ToList();
        bench.Drive();

        Assert.All(sequences, sequence =>
        {
            Assert.Equal(FinishReason.Eos, sequence.Stream.End!.Finish);
            var answer = EngineBench.Read(sequence);
            Assert.Equal(EngineBench.Eos, answer[^1]);
            AssertPerson(GuideWorld.Text(answer));
        });
        var texts = sequences.Select(sequence => GuideWorld.Text(sequence.Tokens[sequence.PromptLength..].ToArray()));
        Assert.True(texts.Distinct().Count() > 20);
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_ModelThatWantsSpecialTokens_NeverGetsThem()
    {
        var runner = new ScriptedModelRunner { LogitsOf = Wanting(GuideWorld.Special) };
        using var bench = new EngineBench(runner);
        var sequence = Submit(bench, GuideWorld.Schema(Person), EngineBench.Greedy(200) with { IgnoreEos = false });
        bench.Drive();

        Assert.Equal(FinishReason.Eos, sequence.Stream.End!.Finish);
        AssertPerson(GuideWorld.Text(EngineBench.Read(sequence)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Step_WithDrafts_SaysTheSameInFewerSteps(bool sampled)
    {
        var parameters = sampled ? Sampled : EngineBench.Greedy(200) with { IgnoreEos = false };
        var (withRuns, withoutRuns) = (0, 0);
        for (var salt = 0u; salt < 12; salt++)
        {
            using var with = new EngineBench(draftTokensMax: 8);
            using var without = new EngineBench();
            var guide = GuideWorld.Schema(Person);
            var one = Submit(with, guide, parameters with { Seed = salt }, salt);
            var other = Submit(without, guide, parameters with { Seed = salt }, salt);
            with.Drive();
            without.Drive();

            Assert.Equal(EngineBench.Read(other), EngineBench.Read(one));
            Assert.Equal(FinishReason.Eos, one.Stream.End!.Finish);
            withRuns += with.Runner.Runs;
            withoutRuns += without.Runner.Runs;
            with.AssertEmpty();
        }

        Assert.InRange(withRuns, 1, withoutRuns - 12);
    }

    [Fact]
    public void Step_ForcedTextThatTheModelCutsAsDrafted_IsOneStep()
    {
        var runner = new ScriptedModelRunner { LogitsOf = Wanting(GuideWorld.Id("name")) };
        using var bench = new EngineBench(runner, draftTokensMax: 8);
        var sequence = Submit(bench, GuideWorld.Schema("""{"const":{"name":12}}"""), EngineBench.Greedy(50) with { IgnoreEos = false });
        bench.Drive();

        Assert.Equal("""{"name":12}""", GuideWorld.Text(EngineBench.Read(sequence)));
        Assert.True(bench.Engine.Snapshot.AcceptedTokens >= 1, $"{bench.Engine.Snapshot.AcceptedTokens} accepted");
    }

    [Fact]
    public void Step_DraftOfThePromptThatTheGuideForbids_ChangesNothing()
    {
        // The prompt holds runs that go on otherwise than the guide allows.
        uint[] run = [GuideWorld.Id("{\""), GuideWorld.Id("z"), GuideWorld.Id("z")];
        var prompt = Enumerable.Range(0, 12).SelectMany(_ => run).ToArray();
        using var with = new EngineBench(draftTokensMax: 8);
        using var without = new EngineBench();
        var pattern = Guide.FromPattern("""(\{"z[a-z]){1,9}""", GuideWorld.Tokens);
        var one = with.Submit(prompt, Sampled, guide: pattern.Begin());
        var other = without.Submit(prompt, Sampled, guide: pattern.Begin());
        with.Drive();
        without.Drive();

        Assert.Equal(EngineBench.Read(other), EngineBench.Read(one));
        Assert.True(with.Engine.Snapshot.DraftTokens > 0);
    }

    [Fact]
    public void Step_AmongOthers_SaysWhatItSaysAlone()
    {
        using var together = new EngineBench(new ScriptedModelRunner(blockCount: 400), draftTokensMax: 4);
        var free = together.Submit(EngineBench.Prompt(9), EngineBench.Greedy(40));
        var guides = new[] { GuideWorld.Schema(Person), Guide.FromPattern("[ab]{3,30}", GuideWorld.Tokens) };
        var guided = Enumerable.Range(0, 10)
            .Select(i => Submit(together, guides[i % 2], Sampled with { Seed = (ulong)i }, (uint)i)).ToList();
        together.Drive();

        for (var i = 0; i < guided.Count; i++)
        {
            using var alone = new EngineBench();
            var same = Submit(alone, guides[i % 2], Sampled with { Seed = (ulong)i }, (uint)i);
            alone.Drive();
            Assert.Equal(EngineBench.Read(same), EngineBench.Read(guided[i]));
        }

        Assert.Equal(EngineBench.Expected(EngineBench.Prompt(9), EngineBench.Greedy(40)), EngineBench.Read(free));
    }

    [Fact]
    public void Step_Preempted_SaysTheSame()
    {
        using var tight = new EngineBench(new ScriptedModelRunner(blockCount: 14), draftTokensMax: 4, contextTokensMax: 48);
        var guide = Guide.FromPattern("(ab|cd|[0-9]){10,30}", GuideWorld.Tokens);
        var sequences = Enumerable.Range(0, 4).Select(i => Submit(tight, guide, Sampled with { Seed = (ulong)i }, (uint)i)).ToList();
        tight.Drive();
        Assert.True(tight.Engine.Totals.Preemptions > 0);

        for (var i = 0; i < sequences.Count; i++)
        {
            using var ample = new EngineBench(contextTokensMax: 48);
            var same = Submit(ample, guide, Sampled with { Seed = (ulong)i }, (uint)i);
            ample.Drive();
            Assert.Equal(EngineBench.Read(same), EngineBench.Read(sequences[i]));
        }
    }

    [Fact]
    public void Step_Resumed_GoesOnAsItBegan()
    {
        var guide = GuideWorld.Schema(Person);
        using var first = new EngineBench();
        var whole = EngineBench.Read(Driven(first, Submit(first, guide, Sampled)));
        for (var cut = 1; cut < whole.Length; cut++)
        {
            var matcher = guide.Begin();
            Assert.All(whole[..cut], id => Assert.True(matcher.TryTake((int)id)));
            using var second = new EngineBench();
            var resumed = second.Submit(EngineBench.Prompt(9), Sampled, resumed: whole[..cut], guide: matcher);
            second.Drive();
            Assert.Equal(whole[cut..], EngineBench.Read(resumed));
        }
    }

    [Fact]
    public void Step_MaxTokens_EndsWithLength()
    {
        using var bench = new EngineBench();
        var sequence = Driven(bench, Submit(bench, GuideWorld.Schema(Person), Sampled with { MaxTokens = 3 }));

        Assert.Equal(FinishReason.MaxTokens, sequence.Stream.End!.Finish);
        Assert.Equal(3, sequence.AnswerLength);
    }

    [Fact]
    public void Step_NoTokenIsLeft_EndsThatSequenceAloneAndNamesThePlace()
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 400));
        var guide = Guide.FromPattern("ab{2}c", GuideWorld.Tokens);
        var other = Submit(bench, GuideWorld.Schema(Person), Sampled);
        int[] allowed = [(int)GuideWorld.Id("ab"), (int)GuideWorld.Id("c")];
        var stuck = Submit(bench, guide, Sampled with { AllowedTokenIds = [.. allowed.Order()] });
        var early = Submit(bench, Guide.FromPattern("ab", GuideWorld.Tokens), Sampled with { MinTokens = 10 });
        bench.Drive();

        Assert.Equal(FailureReason.NothingToChoose, stuck.Stream.End!.Failure);
        Assert.Contains("allowed_token_ids and the guide behind byte 2 of the text", stuck.Stream.End.Message);
        Assert.Equal(FailureReason.NothingToChoose, early.Stream.End!.Failure);
        Assert.Contains("min_tokens 10 and the guide behind byte 2 of the text", early.Stream.End.Message);
        AssertPerson(GuideWorld.Text(EngineBench.Read(other)));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_Logprobs_AreThoseOfTheModel()
    {
        using var bench = new EngineBench();
        var sequence = Submit(bench, GuideWorld.Schema(Person), Sampled with { Logprobs = true, TopLogprobs = 2 });
        var tokens = new List<StreamedToken>();
        bench.Drive();
        sequence.Stream.ReadReady(tokens);

        for (var i = 0; i < tokens.Count; i++)
        {
            var logits = ScriptedModelRunner.HashedLogits(sequence.Tokens[..(sequence.PromptLength + i)].ToArray(), 64);
            var normalizer = Math.Log(logits.Sum(logit => Math.Exp(logit)));
            Assert.Equal(logits[tokens[i].Id] - normalizer, tokens[i].Detail!.Logprob!.Value, 3);
            Assert.Equal(logits.Max() - normalizer, tokens[i].Detail!.Top[0].Logprob, 3);
        }
    }

    [Fact]
    public void Step_PenaltiesAndBias_BendTheAnswerWithinTheGuide()
    {
        using var bench = new EngineBench();
        var parameters = Sampled with
        {
            RepetitionPenalty = 1.3f,
            PresencePenalty = 1,
            LogitBias = [new((int)GuideWorld.Special, 50), new((int)GuideWorld.Id("tags"[..1]), -5)],
        };
        var sequence = Driven(bench, Submit(bench, GuideWorld.Schema(Person), parameters));

        AssertPerson(GuideWorld.Text(EngineBench.Read(sequence)));
    }

    [Fact]
    public void Step_StopIdThatIsNoText_EndsWhereTheGuideMay()
    {
        var runner = new ScriptedModelRunner { LogitsOf = Wanting(GuideWorld.Special) };
        using var bench = new EngineBench(runner);
        var parameters = EngineBench.Greedy(50) with { StopTokenIds = new[] { GuideWorld.Special }.ToFrozenSet() };
        var sequence = Driven(bench, Submit(bench, Guide.FromPattern("[ab]{4}", GuideWorld.Tokens), parameters));

        Assert.Equal(FinishReason.StopToken, sequence.Stream.End!.Finish);
        Assert.Matches("^[ab]{4}$", GuideWorld.Text(EngineBench.Read(sequence)));
    }

    [Fact]
    public void Step_ThatFails_LeavesTheNextOneWhole()
    {
        using var bench = new EngineBench();
        var guide = GuideWorld.Schema(Person);
        bench.Runner.BeforeRun = _ => throw new InvalidOperationException("device");
        var lost = Driven(bench, Submit(bench, guide, Sampled));
        bench.Runner.BeforeRun = null;
        var next = Driven(bench, Submit(bench, guide, Sampled));

        Assert.Equal(FailureReason.StepFailed, lost.Stream.End!.Failure);
        AssertPerson(GuideWorld.Text(EngineBench.Read(next)));
    }

    private static Sequence Submit(EngineBench bench, Guide guide, SamplingParameters parameters, uint salt = 0) =>
        bench.Submit(EngineBench.Prompt(9, salt), parameters, guide: guide.Begin());

    private static Sequence Driven(EngineBench bench, Sequence sequence)
    {
        bench.Drive();
        return sequence;
    }

    private static Func<uint[], float[]> Wanting(uint id) => history =>
    {
        var logits = ScriptedModelRunner.HashedLogits(history, 64);
        logits[id] = 100;
        return logits;
    };

    private static void AssertPerson(string text)
    {
        using var document = JsonDocument.Parse(text);
        var person = document.RootElement;
        Assert.Equal(["name", "age", "tags"], person.EnumerateObject().Select(member => member.Name).Union(["tags"]));
        Assert.Matches("^[a-z]{1,4}$", person.GetProperty("name").GetString()!);
        Assert.InRange(person.GetProperty("age").GetInt32(), 0, 120);
        if (!person.TryGetProperty("tags", out var tags))
            return;
        Assert.InRange(tags.GetArrayLength(), 0, 3);
        Assert.All(tags.EnumerateArray(), tag => Assert.Contains(tag.GetString(), (string[])["ab", "cd"]));
    }
}
