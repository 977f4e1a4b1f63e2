using Parley.Generator.Engine;
using Parley.Generator.Sequences;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Engine;

/// <summary>
/// A model with states beside keys and values: the double checks in each step that a sequence begins from the state behind its very tokens.
/// Blocks hold 4 tokens.
/// </summary>
public sealed class StateTests
{
    [Fact]
    public void Step_TheSamePromptAgain_GoesOnFromTheLastBorder()
    {
        using var bench = new EngineBench(ScriptedModelRunner.WithStates(slots: 24));
        var prompt = EngineBench.Prompt(30);
        bench.Submit(prompt, EngineBench.Greedy(3));
        bench.Drive();
        var before = bench.Runner.TokensRun;

        var again = bench.Submit(prompt, EngineBench.Greedy(3));
        bench.Drive();

        Assert.Equal(28, again.Stream.End!.Usage.CachedTokens);
        Assert.Equal(2 + 2, bench.Runner.TokensRun - before);
        Assert.Equal(EngineBench.Expected(prompt, EngineBench.Greedy(3)), EngineBench.Read(again));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_TheNextTurnOfAChat_GoesOnFromWithinTheAnswer()
    {
        using var bench = new EngineBench(ScriptedModelRunner.WithStates(slots: 24));
        var prompt = EngineBench.Prompt(10);
        var first = bench.Submit(prompt, EngineBench.Greedy(17));
        bench.Drive();

        uint[] next = [.. prompt, .. EngineBench.Read(first), 1, 2, 3];
        var second = bench.Submit(next, EngineBench.Greedy(5));
        bench.Drive();

        // The last token of the answer was never read, so 26 were in the cache.
        Assert.Equal(24, second.Stream.End!.Usage.CachedTokens);
        Assert.Equal(EngineBench.Expected(next, EngineBench.Greedy(5)), EngineBench.Read(second));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_SnapshotsAreNoLongerWhatTheyWere_AreDroppedAndTheAnswerIsRight()
    {
        using var bench = new EngineBench(ScriptedModelRunner.WithStates(slots: 24));
        var prompt = EngineBench.Prompt(30);
        bench.Submit(prompt, EngineBench.Greedy(3));
        bench.Drive();
        Assert.Equal(0, bench.Engine.Snapshot.StateSnapshotsBroken);
        bench.Runner.SpoilStates();

        var again = bench.Submit(prompt, EngineBench.Greedy(3));
        bench.Drive();

        Assert.Equal(EngineBench.Expected(prompt, EngineBench.Greedy(3)), EngineBench.Read(again));
        Assert.NotEqual(0, bench.Engine.Snapshot.StateSnapshotsBroken);
        Assert.Equal(0, again.Stream.End!.Usage.CachedTokens);
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_AnotherPromptOfTheSameBeginning_LeavesASnapshotWhereTheyGoApart()
    {
        using var bench = new EngineBench(ScriptedModelRunner.WithStates(slots: 24));
        uint[] shared = EngineBench.Prompt(13);
        uint[][] prompts = [.. Enumerable.Range(0, 3).Select(i => (uint[])[.. shared, .. EngineBench.Prompt(15, (uint)(40 + i))])];
        var cached = prompts.Select(prompt =>
        {
            var sequence = bench.Submit(prompt, EngineBench.Greedy(2));
            bench.Drive();
            Assert.Equal(EngineBench.Expected(prompt, EngineBench.Greedy(2)), EngineBench.Read(sequence));
            return sequence.Stream.End!.Usage.CachedTokens;
        }).ToList();

        // Nobody knows where a second one will go apart; from the third on it is known.
        Assert.Equal([0, 0, 12], cached);
        bench.AssertEmpty();
    }

    [Theory]
    [InlineData(8, 0)]
    [InlineData(24, 0)]
    [InlineData(24, 4)]
    public void Step_ChoicesOfOneRequest_ReadThePromptOnceUpToTheLastBorder(int slots, int draftTokens)
    {
        using var bench = new EngineBench(
            ScriptedModelRunner.WithStates(slots, blockCount: 200), runningMax: 8, draftTokensMax: draftTokens);
        var prompt = EngineBench.Prompt(39);
        var choices = Enumerable.Range(0, 8).Select(i => bench.Submit(prompt, EngineBench.Sampled((ulong)i, 20))).ToList();

        bench.Drive();

        Assert.All(choices[1..], choice => Assert.Equal(36, choice.Stream.End!.Usage.CachedTokens));
        foreach (var (i, choice) in choices.Index())
            Assert.Equal(EngineBench.Expected(prompt, EngineBench.Sampled((ulong)i, 20)), EngineBench.Read(choice));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_Preempted_GoesOnFromASnapshot()
    {
        using var bench = new EngineBench(ScriptedModelRunner.WithStates(slots: 24, blockCount: 12), stepTokensMax: 64, chunkTokens: 64);
        var prompts = new[] { EngineBench.Prompt(12), EngineBench.Prompt(12, 5) };
        var sequences = prompts.Select(prompt => bench.Submit(prompt, EngineBench.Greedy(24))).ToList();

        bench.Drive();

        Assert.True(bench.Engine.Snapshot.Preemptions > 0, "nothing was preempted");
        Assert.True(bench.Engine.Snapshot.StateSnapshotsTaken > 0, "all was computed anew");
        foreach (var (prompt, sequence) in prompts.Zip(sequences))
            Assert.Equal(EngineBench.Expected(prompt, EngineBench.Greedy(24)), EngineBench.Read(sequence));
        bench.AssertEmpty();
    }

    /// <summary>A guess that is wrong leaves nothing: the next step begins from the state behind the last token that was right.</summary>
    [Fact]
    public void Step_DraftsThatAreWrong_RollBack()
    {
        var runner = ScriptedModelRunner.WithStates(slots: 24);
        // What stood six tokens before comes again, but not always.
        runner.LogitsOf = history =>
        {
            var logits = ScriptedModelRunner.HashedLogits(history, 64);
            if (history.Length >= 6)
                logits[history[^6]] += 7;
            return logits;
        };
        using var bench = new EngineBench(runner, draftTokensMax: 6);
        var prompt = EngineBench.Prompt(20);
        var sequence = bench.Submit(prompt, EngineBench.Greedy(60));

        bench.Drive();

        var totals = bench.Engine.Totals;
        Assert.True(totals.AcceptedTokens > 10 && totals.DraftTokens > totals.AcceptedTokens + 5, "all guesses were right, or none");
        Assert.Equal(EngineBench.Expected(prompt, EngineBench.Greedy(60), logitsOf: runner.LogitsOf), EngineBench.Read(sequence));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_Cancelled_GivesItsSlotBack()
    {
        using var bench = new EngineBench(ScriptedModelRunner.WithStates(slots: 16));
        var sequence = bench.Submit(EngineBench.Prompt(30), EngineBench.Greedy(50));
        bench.Step();
        bench.Step();
        Assert.True(bench.Engine.Snapshot.StateSlotsUsed > bench.Engine.Snapshot.StateSnapshots, "it holds no slot");

        sequence.Cancel();
        bench.Step();

        bench.AssertEmpty();
    }

    /// <summary>A long answer keeps the last two of its snapshots, and no more.</summary>
    [Fact]
    public void Step_ALongAnswer_KeepsTwoSnapshotsOfIt()
    {
        using var bench = new EngineBench(ScriptedModelRunner.WithStates(slots: 60));
        bench.Submit(EngineBench.Prompt(9), EngineBench.Greedy(120));

        bench.Drive();

        Assert.Equal(1 + 2, bench.Engine.Snapshot.StateSnapshots);
        bench.AssertEmpty();
    }

    /// <summary>
    /// With a handful of slots what all chats begin with stays, whatever long answers come between; so does the last chat's last turn.
    /// </summary>
    [Fact]
    public void Step_ManyChatsOfOneBeginning_KeepWhatTheyShare()
    {
        using var bench = new EngineBench(ScriptedModelRunner.WithStates(slots: 8, blockCount: 600), runningMax: 4);
        var system = EngineBench.Prompt(41);
        var cached = new List<int>();
        for (var chat = 0; chat < 12; chat++)
        {
            uint[] text = system;
            for (var turn = 0; turn < 3; turn++)
            {
                text = [.. text, .. EngineBench.Prompt(6, (uint)(chat + (20 * turn) + 1))];
                var sequence = bench.Submit(text, EngineBench.Greedy(30));
                bench.Drive();
                cached.Add(sequence.Stream.End!.Usage.CachedTokens);
                text = [.. text, .. EngineBench.Read(sequence)];
            }
        }

        // The third chat is the first to find a snapshot where the first two went apart; each later turn finds the one before.
        Assert.All(cached.Chunk(3).Skip(2), turns => Assert.Equal(40, turns[0]));
        Assert.All(cached.Chunk(3), turns => Assert.Equal([76, 112], turns[1..]));
        bench.AssertEmpty();
    }

    /// <summary>As many slots as may run and not one more: everything still comes to its end.</summary>
    [Fact]
    public void Step_NoSlotToSpare_ServesAll()
    {
        using var bench = new EngineBench(
            ScriptedModelRunner.WithStates(slots: 4), runningMax: 4, draftTokensMax: 4, stateSnapshotTokens: 4);
        var prompt = EngineBench.Prompt(17);
        var sequences = Enumerable.Range(0, 12).Select(i => bench.Submit(prompt, EngineBench.Sampled((ulong)i, 9))).ToList();

        bench.Drive();

        foreach (var (i, sequence) in sequences.Index())
            Assert.Equal(EngineBench.Expected(prompt, EngineBench.Sampled((ulong)i, 9)), EngineBench.Read(sequence));
        bench.AssertEmpty();
    }

    /// <summary>What was computed by one whose logits are no numbers is not gone on from, and the others notice nothing.</summary>
    [Fact]
    public void Step_NumbersThatAreNone_EndOneSequenceAndItsSnapshots()
    {
        var runner = ScriptedModelRunner.WithStates(slots: 24);
        var isBroken = true;
        runner.LogitsOf = history => isBroken && history.Length == 22 && history[^1] == EngineBench.Prompt(22)[^1]
            ? [.. Enumerable.Repeat(float.NaN, 64)] : ScriptedModelRunner.HashedLogits(history, 64);
        using var bench = new EngineBench(runner);
        var broken = bench.Submit(EngineBench.Prompt(22), EngineBench.Greedy(5));
        var other = bench.Submit(EngineBench.Prompt(21, 9), EngineBench.Greedy(5));
        bench.Drive();
        Assert.Equal(FailureReason.ModelFault, broken.Stream.End!.Failure);
        Assert.Equal(EngineBench.Expected(EngineBench.Prompt(21, 9), EngineBench.Greedy(5)), EngineBench.Read(other));

        isBroken = false;
        var again = bench.Submit(EngineBench.Prompt(22), EngineBench.Greedy(5));
        bench.Drive();

        Assert.Equal(0, again.Stream.End!.Usage.CachedTokens);
        Assert.Equal(EngineBench.Expected(EngineBench.Prompt(22), EngineBench.Greedy(5)), EngineBench.Read(again));
        bench.AssertEmpty();
    }

    [Fact]
    public void Constructor_FewerSlotsThanMayRun_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new EngineBench(ScriptedModelRunner.WithStates(slots: 3), runningMax: 4));

    [Fact]
    public void Step_WithoutStates_HasNoSlots()
    {
        using var bench = new EngineBench();
        bench.Submit(EngineBench.Prompt(9), EngineBench.Greedy(3));
        Assert.NotEqual(StepOutcome.Blocked, bench.Drive());
        var snapshot = bench.Engine.Snapshot;
        Assert.Equal((0, 0, 0), (snapshot.StateSlots, snapshot.StateSlotsUsed, snapshot.StateSnapshots));
    }
}
