using Parley.Generator.Engine;
using Parley.Generator.Sequences;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Engine;

/// <summary>A prompt that several have in common is computed once, whatever happens to who computes it. Blocks hold 4 tokens.</summary>
public sealed class PromptSharingTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(18)]
    [InlineData(40)]
    [InlineData(41)]
    public void Step_ChoicesOfOneRequest_ReadThePromptOnceAndTheirLastTokenEach(int promptLength)
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 200));
        var prompt = EngineBench.Prompt(promptLength);
        var choices = Enumerable.Range(0, 8).Select(i => bench.Submit(prompt, Choice(i, 2))).ToList();

        bench.Drive();

        Assert.Equal(promptLength + 7 + 8, bench.Runner.TokensRun);
        Assert.All(choices[1..], choice => Assert.Equal(promptLength - 1, choice.Stream.End!.Usage.CachedTokens));
        Assert.Equal(7 * (promptLength - 1), bench.Engine.Snapshot.CachedTokens);
        Assert.Equal(8 * promptLength, bench.Engine.Snapshot.PromptTokens);
        bench.AssertEmpty();
    }

    /// <summary>
    /// Where a block is a slot of a whole sequence, it is copied for a long prompt, and not for what all prompts begin with.
    /// </summary>
    [Theory]
    [InlineData(100, 100 + (3 * 1) + 4)]
    [InlineData(20, 4 * (20 + 1))]
    public void Step_ChoicesOverSlots_CopyWhatIsWorthIt(int promptLength, int tokensRun)
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 4, blockTokens: 4096), stepTokensMax: 128, chunkTokens: 128);
        var prompt = EngineBench.Prompt(promptLength);
        var choices = Enumerable.Range(0, 4).Select(i => bench.Submit(prompt, Choice(i, 2))).ToList();

        bench.Drive();

        Assert.Equal(tokensRun, bench.Runner.TokensRun);
        for (var i = 0; i < 4; i++)
            Assert.Equal(EngineBench.Expected(prompt, Choice(i, 2)), EngineBench.Read(choices[i]));
        bench.AssertEmpty();
    }

    /// <summary>A slot grows no more: as many sequences run as there are slots, none loses its own, and the others wait.</summary>
    [Fact]
    public void Step_OverSlots_AsManyRunAsThereAre()
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 4, blockTokens: 256, contextTokensMax: 256));
        var sequences = Enumerable.Range(0, 9)
            .Select(i => bench.Submit(EngineBench.Prompt(5 + (7 * i), (uint)i), EngineBench.Greedy(40 + i))).ToList();
        var most = 0;
        while (bench.Step() != StepOutcome.Idle)
            most = Math.Max(most, bench.Engine.Snapshot.RunningSequences);

        Assert.Equal(4, most);
        Assert.Equal(0, bench.Engine.Totals.Preemptions);
        for (var i = 0; i < 9; i++)
        {
            var expected = EngineBench.Expected(EngineBench.Prompt(5 + (7 * i), (uint)i), EngineBench.Greedy(40 + i));
            Assert.Equal(expected, EngineBench.Read(sequences[i]));
        }

        bench.AssertEmpty();
    }

    [Fact]
    public void Step_ChoicesOfOneRequest_EachEqualsItselfAlone()
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 200));
        var prompt = EngineBench.Prompt(30);
        var choices = Enumerable.Range(0, 8).Select(i => bench.Submit(prompt, Choice(i, 12))).ToList();

        bench.Drive();

        for (var i = 0; i < 8; i++)
            Assert.Equal(EngineBench.Expected(prompt, Choice(i, 12)), EngineBench.Read(choices[i]));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_ChatsWithOneSystemPrompt_ReadItOnce()
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 200));
        var system = EngineBench.Prompt(42);
        var prompts = Enumerable.Range(0, 6).Select(i => (uint[])[.. system, 61, (uint)i, .. EngineBench.Prompt(5, (uint)i)]).ToList();
        var chats = prompts.Select(prompt => bench.Submit(prompt, EngineBench.Greedy(5))).ToList();
        bench.Drive();

        // The system prompt and the token behind it once, six tokens each, and four steps of answer.
        Assert.Equal(43 + (6 * (6 + 4)), bench.Runner.TokensRun);
        for (var i = 0; i < 6; i++)
            Assert.Equal(EngineBench.Expected(prompts[i], EngineBench.Greedy(5)), EngineBench.Read(chats[i]));
    }

    [Fact]
    public void Step_PoolForOnePromptAndSomeAnswers_HoldsAllChoices()
    {
        // The prompt alone fills 10 of 26 blocks: twice would not fit beside the answers.
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 26), stepTokensMax: 64);
        var prompt = EngineBench.Prompt(40);
        var choices = Enumerable.Range(0, 4).Select(i => bench.Submit(prompt, Choice(i, 4))).ToList();
        bench.Step();
        Assert.All(choices, choice => Assert.Equal(SequenceStatus.Running, choice.Status));
        bench.Drive();
        Assert.Equal(0, bench.Engine.Snapshot.Preemptions);
        bench.AssertEmpty();
    }

    [Theory]
    [InlineData(0, 8)]
    [InlineData(1, 8)]
    [InlineData(2, 8)]
    [InlineData(0, 21)]
    [InlineData(1, 21)]
    [InlineData(2, 21)]
    public void Step_WhoComputesIsGone_TheNextGoesOnWhereItStopped(int how, int stepTokensMax)
    {
        // It happens between two blocks or within one.
        using var bench = new EngineBench(stepTokensMax: stepTokensMax, stepFailuresMax: 100);
        var prompt = EngineBench.Prompt(41);
        var owner = bench.Submit(prompt, EngineBench.Greedy(5), deadline: bench.Time.GetTimestamp() + bench.Time.TimestampFrequency);
        var others = Enumerable.Range(0, 3).Select(i => bench.Submit(prompt, Choice(i, 6))).ToList();
        bench.Step();
        if (stepTokensMax == 8 || how != 2)
            bench.Step();
        Assert.All(others, other => Assert.InRange(other.CachedLength, 0, 20));

        switch (how)
        {
            case 0:
                owner.Cancel();
                break;
            case 1:
                bench.Time.Advance(TimeSpan.FromSeconds(2));
                break;
            default:
                bench.Runner.BeforeRun = _ => throw new InvalidOperationException("device");
                Assert.Equal(StepOutcome.Failed, bench.Step());
                bench.Runner.BeforeRun = null;
                break;
        }

        bench.Drive();

        Assert.NotNull(owner.Stream.End!.Failure);

        // 16 + 25 + 2 last tokens, 41 + 3, or 21 of which 20 are whole blocks + 21 + 2; and 15 steps of answer.
        Assert.Equal(stepTokensMax == 8 ? 58 : 59, bench.Runner.TokensRun);
        for (var i = 0; i < 3; i++)
            Assert.Equal(EngineBench.Expected(prompt, Choice(i, 6)), EngineBench.Read(others[i]));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_BlockCannotBeCopied_ComputesItsTokens()
    {
        var runner = new ScriptedModelRunner { CopyFails = true };
        using var bench = new EngineBench(runner);
        var prompt = EngineBench.Prompt(7);
        var choices = Enumerable.Range(0, 2).Select(i => bench.Submit(prompt, Choice(i, 6))).ToList();
        bench.Drive();
        for (var i = 0; i < 2; i++)
            Assert.Equal(EngineBench.Expected(prompt, Choice(i, 6)), EngineBench.Read(choices[i]));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_OneTokenInCommon_WaitsForNobody()
    {
        using var bench = new EngineBench();
        bench.Submit([1, .. EngineBench.Prompt(10, 1)], EngineBench.Greedy(1));
        bench.Submit([1, .. EngineBench.Prompt(10, 2)], EngineBench.Greedy(1));
        bench.Step();
        Assert.Equal(22, bench.Runner.TokensRun);
    }

    private static SamplingParameters Choice(int index, int maxTokens) =>
        EngineBench.Sampled((ulong)index, maxTokens) with { IgnoreEos = true };
}
