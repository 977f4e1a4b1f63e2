using System.Collections.Frozen;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.Sequences;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Engine;

public sealed class GenerationEngineTests
{
    [Fact]
    public void Step_OneGreedySequence_GivesTheModelsAnswer()
    {
        using var bench = new EngineBench();
        var prompt = EngineBench.Prompt(13);
        var sequence = bench.Submit(prompt, EngineBench.Greedy(20));

        bench.Drive();

        Assert.Equal(EngineBench.Expected(prompt, EngineBench.Greedy(20)), EngineBench.Read(sequence));
        Assert.Equal(FinishReason.MaxTokens, sequence.Stream.End!.Finish);
        Assert.Equal(new SequenceUsage(13, 0, 20), sequence.Stream.End.Usage);
        bench.AssertEmpty();
        bench.Log.AssertNoErrors();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(32)]
    public void Step_PromptInChunks_EqualsThePromptAsAWhole(int stepTokensMax)
    {
        using var bench = new EngineBench(runningMax: 1, stepTokensMax: stepTokensMax, chunkTokens: stepTokensMax);
        var prompt = EngineBench.Prompt(29);
        var sequence = bench.Submit(prompt, EngineBench.Sampled(5, 12));

        bench.Drive();

        Assert.Equal(EngineBench.Expected(prompt, EngineBench.Sampled(5, 12)), EngineBench.Read(sequence));
    }

    [Fact]
    public void Step_SixteenSequencesTogether_EachEqualsItselfAlone()
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 400));
        var prompts = Enumerable.Range(0, 16).Select(i => EngineBench.Prompt(3 + (i * 5), (uint)i)).ToArray();
        var parameters = Enumerable.Range(0, 16).Select(i => EngineBench.Sampled((ulong)i, 10 + i)).ToArray();
        var sequences = new List<Sequence>();
        for (var i = 0; i < 16; i++)
        {
            sequences.Add(bench.Submit(prompts[i], parameters[i]));
            bench.Step();
        }

        bench.Drive();

        for (var i = 0; i < 16; i++)
            Assert.Equal(EngineBench.Expected(prompts[i], parameters[i]), EngineBench.Read(sequences[i]));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_PoolTooSmallForAll_PreemptsAndEachAnswerIsStillWhole()
    {
        // Eight sequences grow to 30 tokens each: 8 × 8 blocks in a pool of 20.
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 20));
        var sequences = Enumerable.Range(0, 8)
            .Select(i => (Prompt: EngineBench.Prompt(6, (uint)i), Parameters: EngineBench.Sampled((ulong)i, 24) with { IgnoreEos = true }))
            .Select(request => (request, Sequence: bench.Submit(request.Prompt, request.Parameters))).ToList();

        bench.Drive();

        Assert.True(bench.Engine.Snapshot.Preemptions > 0, "The pool was meant to run short.");
        foreach (var (request, sequence) in sequences)
            Assert.Equal(EngineBench.Expected(request.Prompt, request.Parameters), EngineBench.Read(sequence));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_SecondPromptWithTheSamePrefix_ReadsItFromTheCache()
    {
        using var bench = new EngineBench();
        var prompt = EngineBench.Prompt(18);
        bench.Submit(prompt, EngineBench.Greedy(2));
        bench.Drive();
        var tokensBefore = bench.Runner.TokensRun;

        uint[] longer = [.. prompt, 1, 2, 3];
        var sequence = bench.Submit(longer, EngineBench.Greedy(5));
        bench.Drive();

        // 18 tokens are four whole blocks of 4 and a part.
        Assert.Equal(16, sequence.Stream.End!.Usage.CachedTokens);
        Assert.Equal(EngineBench.Expected(longer, EngineBench.Greedy(5)), EngineBench.Read(sequence));
        Assert.Equal(5 + 4, bench.Runner.TokensRun - tokensBefore);
        Assert.Equal(16, bench.Engine.Snapshot.CachedTokens);
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_SamePromptWhollyCached_StillComputesItsLastToken()
    {
        using var bench = new EngineBench();
        var prompt = EngineBench.Prompt(16);
        bench.Submit(prompt, EngineBench.Greedy(6));
        bench.Drive();

        var sequence = bench.Submit(prompt, EngineBench.Greedy(6));
        bench.Drive();

        Assert.Equal(12, sequence.Stream.End!.Usage.CachedTokens);
        Assert.Equal(EngineBench.Expected(prompt, EngineBench.Greedy(6)), EngineBench.Read(sequence));
    }

    [Fact]
    public void Step_Resumed_ContinuesAsTheFirstReplicaWouldHave()
    {
        using var bench = new EngineBench();
        var prompt = EngineBench.Prompt(9);
        var parameters = EngineBench.Sampled(77, 20) with { IgnoreEos = true, PresencePenalty = 1, FrequencyPenalty = 0.5f };
        var whole = EngineBench.Expected(prompt, parameters);

        var sequence = bench.Submit(prompt, parameters, resumed: whole[..8]);
        bench.Drive();

        Assert.Equal(whole[8..], EngineBench.Read(sequence));
        Assert.Equal(20, sequence.Stream.End!.Usage.CompletionTokens);
    }

    [Fact]
    public void Step_EosStopAndLimits_EndWithTheirReason()
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 8) { LogitsOf = Counting });
        var eos = bench.Submit([60], new SamplingParameters { MaxTokens = 10 });
        var stop = bench.Submit([10], new SamplingParameters { MaxTokens = 10, StopTokenIds = FrozenSet.ToFrozenSet([13u]) });
        var most = bench.Submit([20], new SamplingParameters { MaxTokens = 3 });
        bench.Drive();
        var full = bench.Submit([0, 0], new SamplingParameters { MaxTokens = 1000, IgnoreEos = true });
        bench.Drive();

        Assert.Equal((FinishReason.Eos, 63u), (eos.Stream.End!.Finish!.Value, eos.Stream.End.StopTokenId!.Value));
        Assert.Equal([61u, 62u, 63u], EngineBench.Read(eos));
        Assert.Equal((FinishReason.StopToken, 13u), (stop.Stream.End!.Finish!.Value, stop.Stream.End.StopTokenId!.Value));
        Assert.Equal([11u, 12u, 13u], EngineBench.Read(stop));
        Assert.Equal((FinishReason.MaxTokens, null), (most.Stream.End!.Finish!.Value, most.Stream.End.StopTokenId));
        Assert.Equal(FinishReason.ContextFull, full.Stream.End!.Finish);
        Assert.Equal(30, EngineBench.Read(full).Length);
    }

    [Fact]
    public void Step_MinTokens_HoldsEosBack()
    {
        using var bench = new EngineBench(new ScriptedModelRunner { LogitsOf = Counting });
        var sequence = bench.Submit([61], new SamplingParameters { MaxTokens = 10, MinTokens = 4 });
        bench.Drive();
        var tokens = EngineBench.Read(sequence);
        Assert.Equal(62u, tokens[0]);
        Assert.DoesNotContain(EngineBench.Eos, tokens[..4]);
    }

    [Fact]
    public void Step_RunnerThrows_FailsOnlyTheSequencesOfTheStep()
    {
        var runner = new ScriptedModelRunner();
        using var bench = new EngineBench(runner, runningMax: 1);
        var lost = bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(5));
        var kept = bench.Submit(EngineBench.Prompt(6), EngineBench.Greedy(5));
        runner.BeforeRun = _ => throw new InvalidOperationException("device");

        Assert.Equal(StepOutcome.Failed, bench.Step());
        runner.BeforeRun = null;
        bench.Drive();

        Assert.Equal((FailureReason.StepFailed, true), (lost.Stream.End!.Failure!.Value, lost.Stream.End.Retryable));
        Assert.DoesNotContain("device", lost.Stream.End.Message, StringComparison.Ordinal);
        Assert.Equal(EngineBench.Expected(EngineBench.Prompt(6), EngineBench.Greedy(5)), EngineBench.Read(kept));
        Assert.Single(bench.Log.Errors);
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_RunnerKeepsThrowing_BecomesUnhealthyAndRefuses()
    {
        var runner = new ScriptedModelRunner { BeforeRun = _ => throw new InvalidOperationException("device") };
        using var bench = new EngineBench(runner, runningMax: 1, stepFailuresMax: 2);
        bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(5));
        bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(5));
        var third = bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(5));

        Assert.Equal(StepOutcome.Failed, bench.Step());
        Assert.Equal(StepOutcome.Unhealthy, bench.Step());

        Assert.Equal(FailureReason.Unhealthy, third.Stream.End!.Failure);
        Assert.Equal(AdmissionResult.Unhealthy, bench.Queue.TryEnqueue(bench.Make([1], EngineBench.Greedy(1))));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_LogitsThatAreNotNumbers_FailThatSequenceAlone()
    {
        var runner = new ScriptedModelRunner();
        using var bench = new EngineBench(runner);
        runner.LogitsOf = history => history[0] == 1
            ? [.. Enumerable.Repeat(float.NaN, 64)]
            : ScriptedModelRunner.HashedLogits(history, 64);
        var broken = bench.Submit([1, 2], EngineBench.Greedy(5));
        var whole = bench.Submit([3, 4], EngineBench.Greedy(5));
        bench.Drive();

        Assert.Equal(FailureReason.ModelFault, broken.Stream.End!.Failure);
        Assert.Equal(EngineBench.Expected([3, 4], EngineBench.Greedy(5)), EngineBench.Read(whole));
        bench.AssertEmpty();
    }

    private static float[] Counting(uint[] history)
    {
        var logits = new float[64];
        logits[(history[^1] + 1) % 64] = 5;
        return logits;
    }
}
