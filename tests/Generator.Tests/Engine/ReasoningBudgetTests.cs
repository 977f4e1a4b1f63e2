using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.Generator.Tests.Doubles;
using Parley.Generator.Tests.Guidance;

namespace Parley.Generator.Tests.Engine;

/// <summary>A spent budget of reasoning: the closing comes token by token, alone, in company, preempted, drafted, resumed.</summary>
public sealed class ReasoningBudgetTests
{
    private static readonly uint[] Closing = [61, 62, 61];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public void Step_TheReasoningIsOpen_ClosesItWhenTheBudgetIsSpent(int tokensMax)
    {
        var free = Run([Parameters(1, null)]).Single();
        var bound = Run([Parameters(1, new(true, [], [], Closing, tokensMax))]).Single();

        Assert.Equal(free[..tokensMax], bound[..tokensMax]);
        Assert.Equal(Closing, bound[tokensMax..(tokensMax + 3)]);
        Assert.Equal(free.Length, bound.Length);
    }

    [Fact]
    public void Step_TheModelClosesItself_IsLeftAlone()
    {
        var free = Run([Parameters(1, null)]).Single();

        Assert.Equal(free, Run([Parameters(1, new(true, [], [free[4..6]], Closing, 7))]).Single());
        // What closed it opens it again, and what was spent before counts.
        var again = Run([Parameters(1, new(true, [[free[8]]], [free[4..6]], Closing, 7))]).Single();
        Assert.Equal(free[..10], again[..10]);
        Assert.Equal(Closing, again[10..13]);
    }

    [Fact]
    public void Step_TheAnswerOpensIt_CountsFromThere()
    {
        var free = Run([Parameters(1, null)]).Single();

        var bound = Run([Parameters(1, new(false, [free[3..5]], [], Closing, 2))]).Single();

        Assert.Equal(free[..7], bound[..7]);
        Assert.Equal(Closing, bound[7..10]);
        Assert.Equal(free, Run([Parameters(1, new(false, [[61, 62]], [], Closing, 0))]).Single());
    }

    [Fact]
    public void Step_InCompanyPreemptedAndDrafted_GivesTheTokensThatItGivesAlone()
    {
        var requests = Enumerable.Range(0, 8).Select(seed => Parameters((ulong)seed, new(true, [], [], Closing, 3 + seed))).ToList();
        var alone = requests.Select(request => Run([request]).Single()).ToList();

        Assert.Equal(alone, Run(requests));
        Assert.Equal(alone, Run(requests, blockCount: 20));
        Assert.Equal(alone, Run(requests, draftTokensMax: 4));
        Assert.All(alone, (answer, seed) => Assert.Equal(Closing, answer[(3 + seed)..(6 + seed)]));
    }

    [Fact]
    public void Step_ResumedAnywhere_GoesOnWithTheSameTokens()
    {
        var parameters = Parameters(5, new(true, [], [], Closing, 4));
        var whole = Run([parameters]).Single();
        for (var delivered = 1; delivered < whole.Length; delivered++)
        {
            using var bench = new EngineBench();
            var sequence = bench.Submit(EngineBench.Prompt(6), parameters, resumed: whole[..delivered]);
            bench.Drive();
            Assert.Equal(whole[delivered..], EngineBench.Read(sequence));
        }
    }

    [Fact]
    public void Step_WhatOtherSettingsForbid_IsChosenAllTheSame_AndLogprobsAreTheModels()
    {
        var parameters = Parameters(1, new(true, [], [], Closing, 2)) with
        {
            BannedTokenIds = [61],
            BadRuns = [[62]],
            Logprobs = true,
            TopLogprobs = 2,
        };
        using var bench = new EngineBench();
        var sequence = bench.Submit(EngineBench.Prompt(6), parameters);
        bench.Drive();
        var tokens = new List<StreamedToken>();
        sequence.Stream.ReadReady(tokens);

        Assert.Equal(Closing, tokens[2..5].Select(token => token.Id));
        var history = EngineBench.Prompt(6).Concat(tokens[..2].Select(token => token.Id)).ToArray();
        var logits = ScriptedModelRunner.HashedLogits(history, 64);
        var expected = logits[61] - Math.Log(logits.Sum(logit => Math.Exp(logit)));
        Assert.Equal(expected, tokens[2].Detail!.Logprob!.Value, 4);
        Assert.DoesNotContain(tokens[2].Detail!.Top, top => top.Id == 61 && top.Logprob != tokens[2].Detail!.Logprob);
    }

    [Fact]
    public void Step_AGuideThatDoesNotAllowTheClosing_FailsNamingBoth()
    {
        using var bench = new EngineBench();
        var guide = GuideWorld.Schema("""{"type":"integer"}""").Begin();
        var sequence = bench.Submit(
            EngineBench.Prompt(6), Parameters(1, new(true, [], [], [GuideWorld.Id("a")], 0)) with { IgnoreEos = false }, guide: guide);
        bench.Drive();

        var end = sequence.Stream.End!;
        Assert.Equal(FailureReason.NothingToChoose, end.Failure);
        Assert.Contains("reasoning_budget", end.Message, StringComparison.Ordinal);
        Assert.Contains("guide", end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Step_AGuideThatAllowsIt_GoesOnBehindIt()
    {
        using var bench = new EngineBench();
        var guide = GuideWorld.Schema("""{"type":"array","items":{"type":"string","maxLength":4},"maxItems":3}""").Begin();
        uint[] closing = [GuideWorld.Id("["), GuideWorld.Id("\""), GuideWorld.Id("a"), GuideWorld.Id("\"")];
        var sequence = bench.Submit(
            EngineBench.Prompt(6), Parameters(3, new(true, [], [], closing, 0)) with { IgnoreEos = false, MaxTokens = 60 }, guide: guide);
        bench.Drive();

        Assert.StartsWith("[\"a\"", GuideWorld.Text(EngineBench.Read(sequence)), StringComparison.Ordinal);
        Assert.Equal(FinishReason.Eos, sequence.Stream.End!.Finish);
    }

    private static SamplingParameters Parameters(ulong seed, ReasoningBudget? budget) =>
        EngineBench.Sampled(seed, 24) with { IgnoreEos = true, Reasoning = budget };

    private static List<uint[]> Run(List<SamplingParameters> requests, int blockCount = 64, int draftTokensMax = 0)
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount) { FreeTokens = 8 }, draftTokensMax: draftTokensMax);
        var sequences = requests.Select(request => bench.Submit(EngineBench.Prompt(6), request)).ToList();
        bench.Drive();
        if (blockCount < 64)
            Assert.True(bench.Engine.Snapshot.Preemptions > 0, "The pool was meant to run short.");
        return [.. sequences.Select(EngineBench.Read)];
    }
}
