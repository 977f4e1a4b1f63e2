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
    private long _acceptedFree;

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

    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 2)]
    [InlineData(3, 1)]
    [InlineData(4, 0)]
    [InlineData(5, 0)]
    public void Step_RequestsThatAskForNothing_DraftIntoWhatIsFree(int streams, int drafted)
    {
        using var bench = new EngineBench(new ScriptedModelRunner { LogitsOf = Periodic, FreeTokens = 4 }, draftTokensMax: 8);
        using var without = new EngineBench(new ScriptedModelRunner { LogitsOf = Periodic });
        var (most, mostTokens) = (0, 0);
        bench.Runner.BeforeRun = batch =>
        {
            // Tokens of prompts count too: beside a chunk nothing is free.
            if (batch.LogitRowCount > batch.SequenceCount)
                mostTokens = Math.Max(mostTokens, batch.TokenCount);
            if (batch.SequenceCount == streams)
                most = Math.Max(most, batch.LogitRowCount - batch.SequenceCount);
        };
        var sequences = Enumerable.Range(0, streams).Select(i =>
            bench.Submit(EngineBench.Prompt(20, (uint)i), EngineBench.Greedy(60) with { FreeDraftsOnly = true })).ToList();
        var expected = Enumerable.Range(0, streams).Select(i =>
            without.Submit(EngineBench.Prompt(20, (uint)i), EngineBench.Greedy(60))).ToList();
        while (sequences.TrueForAll(sequence => sequence.Stream.End is null))
            bench.Step();
        Assert.Equal(drafted, most);
        bench.Drive();
        without.Drive();
        Assert.Equal(4, mostTokens);

        foreach (var (sequence, other) in sequences.Zip(expected))
            Assert.Equal(EngineBench.Read(other), EngineBench.Read(sequence));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_NothingIsFree_DraftsForThoseWhoAskOnly()
    {
        using var bench = new EngineBench(new ScriptedModelRunner { LogitsOf = Periodic }, draftTokensMax: 8);
        bench.Submit(EngineBench.Prompt(20), EngineBench.Greedy(60) with { FreeDraftsOnly = true });
        bench.Drive();
        Assert.Equal(0, bench.Engine.Snapshot.DraftTokens);

        bench.Submit(EngineBench.Prompt(20), EngineBench.Greedy(60));
        bench.Drive();
        Assert.True(bench.Engine.Snapshot.AcceptedTokens > 30);
    }

    [Fact]
    public void Step_OneAskedForDraftsBesideOneThatDidNot_TakesThemFirst()
    {
        using var bench = new EngineBench(new ScriptedModelRunner { LogitsOf = Periodic, FreeTokens = 4 }, draftTokensMax: 8);
        var free = bench.Submit(EngineBench.Prompt(20), EngineBench.Greedy(60) with { FreeDraftsOnly = true });
        var asked = bench.Submit(EngineBench.Prompt(20, 1), EngineBench.Greedy(60) with { DraftTokens = 4 });
        while (asked.Stream.End is null)
            bench.Step();
        // Two rows and up to four tokens of the other's draft: little was free.
        Assert.InRange(free.AnswerLength, 1, 30);
        bench.Drive();
        Assert.Equal(60, free.AnswerLength);
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_PoolHasOneBlockLeft_GivesItToATokenAndNotToAnEarlierDraft()
    {
        using var bench = new EngineBench(
            new ScriptedModelRunner(blockCount: 14) { LogitsOf = Periodic }, stepTokensMax: 64, draftTokensMax: 8, draftTokensDefault: 0);
        uint[] prompt = [.. EngineBench.Prompt(10), .. EngineBench.Prompt(10), .. EngineBench.Prompt(5)];
        var stop = FrozenSet.ToFrozenSet([EngineBench.Prompt(8)[7]]);
        var drafting = bench.Submit(prompt, EngineBench.Greedy(50) with { DraftTokens = 4, StopTokenIds = stop });
        var other = bench.Submit(EngineBench.Prompt(24, 5), EngineBench.Greedy(3));
        bench.Drive();

        Assert.Equal((3, 3), (EngineBench.Read(drafting).Length, EngineBench.Read(other).Length));
        Assert.Equal(0, bench.Engine.Snapshot.Preemptions);
        bench.AssertEmpty();
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
            var free = Play(requests, 6, out var acceptedFree, freeTokens: 4);
            var without = Play(requests, 0, out var none);
            Assert.Equal(0, none);
            _accepted += accepted;
            _acceptedFree += acceptedFree;
            for (var i = 0; i < requests.Length; i++)
            {
                Assert.Equal(without[i], with[i]);
                Assert.Equal(without[i], free[i]);
            }
        });
        Assert.True(_accepted > 1000, $"Only {_accepted} drafted tokens were right: the test shows nothing.");
        Assert.True(_acceptedFree > 500, $"Only {_acceptedFree} free drafted tokens were right: the test shows nothing.");
    }

    private static List<string[]> Play(
        (int Salt, int Length, int MaxTokens, int Seed, int Kind)[] requests, int drafts, out long accepted, int freeTokens = 1)
    {
        var runner = new ScriptedModelRunner(blockCount: 40) { LogitsOf = Repeating, FreeTokens = freeTokens };
        using var bench = new EngineBench(runner, runningMax: 4, stepTokensMax: 16, chunkTokens: 8, draftTokensMax: drafts);
        var sequences = requests.Select(r => bench.Submit(
            EngineBench.Prompt(r.Length, (uint)r.Salt), Parameters(r) with { FreeDraftsOnly = freeTokens > 1 }, streamTokensMax: 8));
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
