using CsCheck;
using Parley.Generator.Scheduling;
using Parley.Generator.Sequences;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Scheduling;

public sealed class SchedulingTests
{
    [Fact]
    public void Share_AnyDemands_StaysInTheBudgetAndServesEveryDecodeRow()
    {
        var demand = Gen.Select(Gen.Int[0, 50], Gen.Bool, (pending, decodes) =>
            new SequenceDemand(decodes ? Math.Min(pending, 1) : pending, decodes));
        demand.Array[0, 16].ForAll(500, demands =>
        {
            var grants = new int[16];
            new DecodeFirstPolicy(20, 6).Share(demands, grants);
            var decoding = demands.Count(d => d is { IsDecoding: true, PendingTokens: 1 });
            var prompt = demands.Zip(grants).Where(pair => !pair.First.IsDecoding).Sum(pair => pair.Second);
            Assert.All(demands.Zip(grants), pair => Assert.InRange(
                pair.Second, pair.First.IsDecoding ? pair.First.PendingTokens : 0, pair.First.PendingTokens));
            Assert.True(decoding + prompt <= 20 && (decoding == 0 || prompt <= 6));
        });
    }

    [Fact]
    public void Plan_LongPromptBesideADecodingSequence_DelaysNoToken()
    {
        using var bench = new EngineBench(chunkTokens: 8);
        var decoding = bench.Submit(EngineBench.Prompt(4), EngineBench.Greedy(40));
        bench.Step();
        bench.Submit(EngineBench.Prompt(90, 2), EngineBench.Greedy(2));
        for (var i = 0; i < 11; i++)
        {
            var (answer, tokens) = (decoding.AnswerLength, bench.Runner.TokensRun);
            bench.Step();
            Assert.Equal(answer + 1, decoding.AnswerLength);
            Assert.Equal(9, bench.Runner.TokensRun - tokens);
        }
    }

    [Fact]
    public void Plan_Priorities_AreServedFirstAndWaitingCatchesUp()
    {
        using var bench = new EngineBench(runningMax: 1);
        bench.Submit(EngineBench.Prompt(4), EngineBench.Greedy(8));
        bench.Step();
        var low = bench.Submit(EngineBench.Prompt(4, 1), EngineBench.Greedy(1));
        bench.Time.Advance(TimeSpan.FromSeconds(25));
        var high = bench.Submit(EngineBench.Prompt(4, 2), EngineBench.Greedy(1) with { Priority = 1 });
        var higher = bench.Submit(EngineBench.Prompt(4, 3), EngineBench.Greedy(1) with { Priority = 3 });
        bench.Step();
        Assert.Equal((2, 3, 1), (low.QueuePosition, high.QueuePosition, higher.QueuePosition));
        bench.Drive();
        Assert.True(higher.StartedAt <= low.StartedAt && low.StartedAt <= high.StartedAt);
        Assert.All(new[] { low, high, higher }, sequence => Assert.Equal(FinishReason.MaxTokens, sequence.Stream.End!.Finish));
    }
}
