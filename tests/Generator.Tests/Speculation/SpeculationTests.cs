using System.Collections.Frozen;
using CsCheck;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Speculation;

/// <summary>What is said is the same with drafts and without; only the number of steps is another.</summary>
public sealed class SpeculationTests
{
    private long _accepted;

    [Fact]
    public void Step_TextThatRepeats_TakesFewerStepsForTheSameAnswer()
    {
        using var bench = new EngineBench(new ScriptedModelRunner { LogitsOf = Periodic }, draftTokensMax: 4);
        var prompt = EngineBench.Prompt(20);
        var sequence = bench.Submit(prompt, EngineBench.Greedy(100));
        bench.Drive();

        var answer = EngineBench.Read(sequence);
        Assert.Equal(100, answer.Length);
        Assert.All(Enumerable.Range(10, 90), i => Assert.Equal(answer[i - 10], answer[i]));
        Assert.InRange(bench.Runner.Runs, 20, 40);
        Assert.True(bench.Engine.Snapshot.AcceptedTokens > 60);
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_OneRequestWithDraftsBesideOneWithout_SparesTheFirstStepsOnly()
    {
        using var bench = new EngineBench(new ScriptedModelRunner { LogitsOf = Periodic }, draftTokensMax: 8, draftTokensDefault: 0);
        var prompt = EngineBench.Prompt(20);
        var without = bench.Submit(prompt, EngineBench.Greedy(60));
        var with = bench.Submit(prompt, EngineBench.Greedy(60) with { DraftTokens = 4 });
        while (with.Stream.End is null)
            bench.Step();
        Assert.InRange(without.AnswerLength, 1, 30);
        bench.Drive();
        Assert.Equal(EngineBench.Read(without), EngineBench.Read(with));
        Assert.Equal(60, without.AnswerLength);
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_TextThatDoesNotRepeat_StopsDrafting()
    {
        // Four tokens by chance: a place to quote from is always found, and its guess is mostly wrong.
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 300, vocabularySize: 64), draftTokensMax: 4);
        var parameters = EngineBench.Sampled(3, 1000) with { IgnoreEos = true, AllowedTokenIds = [1, 2, 3, 4], TopK = 0, TopP = 1 };
        var sequence = bench.Submit([1, 2, 3], parameters with { Temperature = 5 });
        bench.Drive();
        Assert.Equal(1000, EngineBench.Read(sequence).Length);
        Assert.InRange(bench.Engine.Snapshot.DraftTokens, 1, 500);
    }

    [Fact]
    public void Step_EndsInsideAnAcceptedDraft_DeliversNothingBehindIt()
    {
        using var bench = new EngineBench(new ScriptedModelRunner { LogitsOf = Periodic }, draftTokensMax: 8);
        uint[] prompt = [.. EngineBench.Prompt(10), .. EngineBench.Prompt(10), .. EngineBench.Prompt(5)];
        var stopId = EngineBench.Prompt(8)[7];
        var stop = bench.Submit(prompt, EngineBench.Greedy(50) with { StopTokenIds = FrozenSet.ToFrozenSet([stopId]) });
        bench.Drive();
        var most = bench.Submit(prompt, EngineBench.Greedy(4));
        bench.Drive();

        Assert.Equal([EngineBench.Prompt(10)[5], EngineBench.Prompt(10)[6], stopId], EngineBench.Read(stop));
        Assert.Equal((FinishReason.StopToken, stopId), (stop.Stream.End!.Finish!.Value, stop.Stream.End.StopTokenId!.Value));
        Assert.Equal(4, EngineBench.Read(most).Length);
        Assert.Equal(FinishReason.MaxTokens, most.Stream.End!.Finish);
        Assert.True(bench.Engine.Snapshot.AcceptedTokens > 0);
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_ContextFills_EndsAsWithoutDrafts()
    {
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 12) { LogitsOf = Periodic }, draftTokensMax: 8);
        var sequence = bench.Submit(EngineBench.Prompt(20), EngineBench.Greedy(1000));
        bench.Drive();
        Assert.Equal((28, FinishReason.ContextFull), (EngineBench.Read(sequence).Length, sequence.Stream.End!.Finish!.Value));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_AnyRequests_SayTheSameWithAndWithoutDrafts()
    {
        var request = Gen.Select(Gen.Int[0, 3], Gen.Int[3, 30], Gen.Int[1, 60], Gen.Int[0, 100], Gen.Int[0, 7]);
        request.Array[1, 8].ForAll(120, requests =>
        {
            var with = Play(requests, 6, out var accepted);
            var without = Play(requests, 0, out var none);
            Assert.Equal(0, none);
            _accepted += accepted;
            for (var i = 0; i < requests.Length; i++)
                Assert.Equal(without[i], with[i]);
        });
        Assert.True(_accepted > 1000, $"Only {_accepted} drafted tokens were right: the test shows nothing.");
    }

    private static List<string[]> Play((int Salt, int Length, int MaxTokens, int Seed, int Kind)[] requests, int drafts, out long accepted)
    {
        var runner = new ScriptedModelRunner(blockCount: 40) { LogitsOf = Repeating };
        using var bench = new EngineBench(runner, runningMax: 4, stepTokensMax: 16, chunkTokens: 8, draftTokensMax: drafts);
        var sequences = requests.Select(r => bench.Submit(EngineBench.Prompt(r.Length, (uint)r.Salt), Parameters(r), streamTokensMax: 8));
        var all = sequences.Select(sequence => (Sequence: sequence, Read: new List<StreamedToken>())).ToList();
        for (var step = 0; all.Exists(entry => entry.Sequence.Stream.End is null); step++)
        {
            Assert.True(step < 3000, "The engine does not come to an end.");
            bench.Step();
            foreach (var (sequence, read) in all)
                sequence.Stream.ReadReady(read);
        }

        bench.AssertEmpty();
        accepted = bench.Engine.Snapshot.AcceptedTokens;
        return [.. all.Select(entry => entry.Read.Select(Describe).Append($"{entry.Sequence.Stream.End!.Finish}").ToArray())];
    }

    private static SamplingParameters Parameters((int Salt, int Length, int MaxTokens, int Seed, int Kind) request)
    {
        var parameters = request.Kind % 2 == 0
            ? new SamplingParameters { MaxTokens = request.MaxTokens }
            : EngineBench.Sampled((ulong)request.Seed, request.MaxTokens);
        return request.Kind switch
        {
            2 => parameters with { RepetitionPenalty = 1.05f },
            3 => parameters with { PresencePenalty = 0.5f, FrequencyPenalty = 0.3f, TopLogprobs = 2, Logprobs = true },
            4 => parameters with { NoRepeatNgramSize = 12, MinTokens = 10 },
            5 => parameters with { TraceCandidates = 3, StopTokenIds = FrozenSet.ToFrozenSet([21u]) },
            _ => parameters,
        };
    }

    private static string Describe(StreamedToken token) => token.Detail is { } detail
        ? $"{token.Id} {detail.Logprob} {string.Join(' ', detail.Top)} {string.Join(' ', detail.Trace.Select(c => c.ToString()))}"
        : $"{token.Id}";

    /// <summary>What came ten tokens before.</summary>
    private static float[] Periodic(uint[] history) => Repeating(history, 20);

    /// <summary>Mostly what came ten tokens before, and sometimes something else.</summary>
    private static float[] Repeating(uint[] history) => Repeating(history, 6);

    private static float[] Repeating(uint[] history, float weight)
    {
        var logits = ScriptedModelRunner.HashedLogits(history, 64);
        if (history.Length >= 10)
            logits[history[^10]] += weight;
        return logits;
    }
}
