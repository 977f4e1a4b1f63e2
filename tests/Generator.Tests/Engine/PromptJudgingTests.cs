using Parley.Generator.Sampling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Engine;

/// <summary>Log-probabilities of a prompt's own tokens: each once, in order, in chunks, whatever else the engine does.</summary>
public sealed class PromptJudgingTests
{
    private const int Vocabulary = 64;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(50)]
    public void Step_PromptToJudge_TellsEveryTokenOnceInChunksAndTheAnswerIsTheSame(int length)
    {
        using var bench = new EngineBench();
        var prompt = EngineBench.Prompt(length);
        var plain = EngineBench.Sampled(5, 6) with { IgnoreEos = true };
        var sequence = bench.Submit(prompt, plain with { PromptLogprobs = 3 });
        bench.Drive();

        var (answer, judged, chunks) = Read(sequence);
        AssertJudged(prompt, judged, 3);
        Assert.Equal(EngineBench.Expected(prompt, plain), answer);
        Assert.Equal((length - 1 + 15) / 16, chunks);

        // Once through the model, and not a second time.
        Assert.Equal(length + 5, bench.Runner.TokensRun);
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_MaxTokensZero_JudgesThePromptAndEnds()
    {
        using var bench = new EngineBench();
        var prompt = EngineBench.Prompt(20);
        var sequence = bench.Submit(prompt, new SamplingParameters { MaxTokens = 0, PromptLogprobs = 0 });
        var single = bench.Submit([4], new SamplingParameters { MaxTokens = 0, PromptLogprobs = 2 });
        bench.Drive();

        var (answer, judged, _) = Read(sequence);
        Assert.Empty(answer);
        AssertJudged(prompt, judged, 0);
        Assert.Equal((FinishReason.MaxTokens, 0), (sequence.Stream.End!.Finish!.Value, sequence.Stream.End.Usage.CompletionTokens));
        Assert.Equal(0, Read(single).Judged.Count + Read(single).Answer.Length);
        Assert.Equal(FinishReason.MaxTokens, single.Stream.End!.Finish);
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_PromptInTheCache_IsComputedAnewAndLeavesItsBlocksToOthers()
    {
        using var bench = new EngineBench();
        var prompt = EngineBench.Prompt(24);
        bench.Submit(prompt, EngineBench.Greedy(2));
        bench.Drive();

        var judging = bench.Submit(prompt, EngineBench.Greedy(2) with { PromptLogprobs = 1 });
        bench.Drive();
        Assert.Equal(0, judging.Stream.End!.Usage.CachedTokens);
        AssertJudged(prompt, Read(judging).Judged, 1);

        var after = bench.Submit(prompt, EngineBench.Greedy(2));
        bench.Drive();
        Assert.Equal(20, after.Stream.End!.Usage.CachedTokens);
    }

    [Theory]
    [InlineData(64, 0)]
    [InlineData(24, 0)]
    [InlineData(64, 6)]
    [InlineData(24, 6)]
    public void Step_ManyThatJudgeAmongManyThatDoNot_TellsWhatEachIsToldAlone(int blockCount, int draftTokensMax)
    {
        // Some share their prompts, some are preempted in the middle of them.
        using var bench = new EngineBench(
            new ScriptedModelRunner(blockCount) { FreeTokens = 8 }, runningMax: 6, stepTokensMax: 24, draftTokensMax: draftTokensMax);
        var requests = Enumerable.Range(0, 12).Select(i => (
            Prompt: EngineBench.Prompt(10 + (3 * i), (uint)i % 3),
            Parameters: EngineBench.Sampled((ulong)i, 12) with { IgnoreEos = true, PromptLogprobs = i % 2 == 0 ? i % 5 : null })).ToList();
        var sequences = requests.Select(request => bench.Submit(request.Prompt, request.Parameters)).ToList();
        bench.Drive();

        Assert.Equal(blockCount < 64, bench.Engine.Snapshot.Preemptions > 0);
        for (var i = 0; i < requests.Count; i++)
        {
            var (prompt, parameters) = requests[i];
            var (answer, judged, _) = Read(sequences[i]);
            Assert.Equal(EngineBench.Expected(prompt, parameters), answer);
            if (parameters.PromptLogprobs is { } top)
                AssertJudged(prompt, judged, top);
            else
                Assert.Empty(judged);
        }

        bench.AssertEmpty();
    }

    [Fact]
    public void Step_ReaderThatTakesNothing_PausesTheSequenceAndLosesNothing()
    {
        using var bench = new EngineBench();
        var prompt = EngineBench.Prompt(60);
        var sequence = bench.Submit(prompt, EngineBench.Greedy(3) with { PromptLogprobs = 0 }, streamTokensMax: 20);
        var judgements = new List<PromptJudgement>();
        var tokens = new List<StreamedToken>();
        for (var i = 0; i < 20 && sequence.Stream.End is null; i++)
        {
            bench.Drive();
            // Two chunks at most wait: the third would not have begun.
            sequence.Stream.ReadReady(tokens, judgements);
            Assert.True(judgements.Sum(one => one.Tokens.Count) + tokens.Count <= 40 * (i + 1));
        }

        sequence.Stream.ReadReady(tokens, judgements);
        AssertJudged(prompt, [.. judgements.SelectMany(one => one.Tokens)], 0);
        Assert.Equal(3, tokens.Count);
    }

    [Fact]
    public void Step_ModelWithoutNumbersForThePrompt_FailsThatSequenceAlone()
    {
        var runner = new ScriptedModelRunner();
        runner.LogitsOf = history => history is [7, ..]
            ? [.. Enumerable.Repeat(float.NaN, Vocabulary)] : ScriptedModelRunner.HashedLogits(history, Vocabulary);
        using var bench = new EngineBench(runner);
        var broken = bench.Submit([7, 1, 2, 3], EngineBench.Greedy(3) with { PromptLogprobs = 0 });
        var sound = bench.Submit(EngineBench.Prompt(6), EngineBench.Greedy(3) with { PromptLogprobs = 0 });
        bench.Drive();
        Assert.Equal(FailureReason.ModelFault, broken.Stream.End!.Failure);
        Assert.Equal(5, Read(sound).Judged.Count);
    }

    private static void AssertJudged(uint[] prompt, List<PromptTokenDetail> judged, int top)
    {
        Assert.Equal(prompt.Length - 1, judged.Count);
        for (var place = 1; place < prompt.Length; place++)
        {
            var logits = ScriptedModelRunner.HashedLogits(prompt[..place], Vocabulary);
            var normalizer = Math.Log(logits.Sum(logit => Math.Exp(logit)));
            var (own, detail) = (logits[prompt[place]], judged[place - 1]);
            Assert.Equal(own - normalizer, detail.Logprob, 1e-5);
            Assert.Equal(1 + logits.Count(logit => logit > own), detail.Rank);
            var best = logits.Select((logit, id) => (logit, id)).OrderByDescending(one => one.logit).Take(top).ToList();
            Assert.Equal(best.Select(one => one.id), detail.Top.Select(one => one.Id));
            for (var i = 0; i < top; i++)
                Assert.Equal(best[i].logit - normalizer, detail.Top[i].Logprob, 1e-5);
        }
    }

    private static (uint[] Answer, List<PromptTokenDetail> Judged, int Chunks) Read(Sequence sequence)
    {
        var (tokens, judgements) = (new List<StreamedToken>(), new List<PromptJudgement>());
        sequence.Stream.ReadReady(tokens, judgements);
        var next = 1;
        foreach (var judgement in judgements)
        {
            Assert.Equal(next, judgement.Start);
            next += judgement.Tokens.Count;
        }

        return ([.. tokens.Select(token => token.Id)], [.. judgements.SelectMany(one => one.Tokens)], judgements.Count);
    }
}
