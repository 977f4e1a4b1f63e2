using CsCheck;
using Parley.Generator.Speculation;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Speculation;

/// <summary>Drafts by the model's own head: the same answers with and without, and none where they do not pay.</summary>
public sealed class HeadDraftingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Step_AHeadThatIsRight_TakesFewerStepsForTheSameAnswers(int ahead)
    {
        var drafter = new ScriptedDrafter { GuessOf = Next };
        using var with = Bench(drafter, ahead);
        using var without = Bench(null, 0);

        var (answers, expected) = (Answers(with, 60), Answers(without, 60));

        Assert.Equal(expected, answers);
        var snapshot = with.Engine.Snapshot;
        Assert.True(snapshot.HeadDraftTokens > 60, $"{snapshot.HeadDraftTokens} guesses");
        Assert.Equal(snapshot.HeadDraftTokens, snapshot.HeadAcceptedTokens);
        Assert.True(with.Runner.Runs < without.Runner.Runs * 3 / 4, $"{with.Runner.Runs} of {without.Runner.Runs} steps");
        Assert.Equal(0, drafter.Holes);
        with.AssertEmpty();
    }

    [Fact]
    public void Step_AHeadThatIsWrong_GuessesLessAndLess()
    {
        using var with = Bench(new ScriptedDrafter { GuessOf = (id, place) => (Next(id, place) + 1) % 60 }, 3);
        using var without = Bench(null, 0);

        Assert.Equal(Answers(without, 150), Answers(with, 150));

        Assert.Equal(0, with.Engine.Snapshot.HeadAcceptedTokens);
        Assert.InRange(with.Engine.Snapshot.HeadDraftTokens, 10, 110);
        with.AssertEmpty();
    }

    /// <summary>What the head does wrong is its own affair: answers go on, and after some failures it is not asked again.</summary>
    [Fact]
    public void Step_AHeadThatFails_IsLeftAlone()
    {
        var drafter = new ScriptedDrafter { GuessOf = Next, Fails = true };
        using var with = Bench(drafter, 3);
        using var without = Bench(null, 0);

        Assert.Equal(Answers(without, 40), Answers(with, 40));

        Assert.Equal(3, drafter.Runs);
        Assert.Equal(0, with.Engine.Snapshot.HeadDraftTokens);
        with.AssertEmpty();
    }

    /// <summary>A head gives no number where its logits are none.</summary>
    [Fact]
    public void Step_AHeadWithoutNumbers_GuessesNothing()
    {
        using var with = Bench(new ScriptedDrafter { GuessOf = (_, _) => -1 }, 2);
        using var without = Bench(null, 0);

        Assert.Equal(Answers(without, 20), Answers(with, 20));
        Assert.Equal(0, with.Engine.Snapshot.HeadDraftTokens);
    }

    [Fact]
    public void Step_CancelledBetweenTwoSteps_FreesEverything()
    {
        using var bench = Bench(new ScriptedDrafter { GuessOf = Next }, 3);
        var sequence = bench.Submit(EngineBench.Prompt(9), EngineBench.Greedy(200));
        while (sequence.AnswerLength < 20)
            bench.Step();
        Assert.True(sequence.Guesses.Length > 0);
        sequence.Cancel();
        bench.Drive();
        bench.AssertEmpty();
    }

    [Fact]
    public void HeadAcceptance_AnyCourse_StaysInItsBounds() =>
        Gen.Int[0, 4].Array[1, 400].ForAll(200, outcomes =>
        {
            var state = HeadAcceptance.Begin;
            foreach (var outcome in outcomes)
            {
                Assert.InRange(state.Rate, 0, HeadAcceptance.Whole);
                var drafted = state.DraftTokens(3);
                Assert.InRange(drafted, 0, 3);
                state = drafted == 0 ? state.AfterRest() : state.After(drafted, Math.Min(outcome, drafted));
            }
        });

    /// <summary>Right four times in five it never rests; right once in four it mostly does.</summary>
    [Theory]
    [InlineData(80, 300, 300)]
    [InlineData(25, 0, 60)]
    public void HeadAcceptance_OfAShareOfRightGuesses_GuessesWhereItPays(int percent, int least, int most)
    {
        var (state, random, drafts) = (HeadAcceptance.Begin, new Random(3), 0);
        for (var step = 0; step < 300; step++)
        {
            var (drafted, accepted) = (state.DraftTokens(3), 0);
            while (accepted < drafted && random.Next(100) < percent)
                accepted++;
            drafts += drafted > 0 ? 1 : 0;
            state = drafted == 0 ? state.AfterRest() : state.After(drafted, accepted);
        }

        Assert.InRange(drafts, least, most);
    }

    private static EngineBench Bench(ScriptedDrafter? drafter, int ahead) => new(
        new ScriptedModelRunner { LogitsOf = Scripted, Drafter = drafter }, draftTokensMax: ahead == 0 ? 0 : 4, headTokensMax: ahead);

    private static IReadOnlyList<uint[]> Answers(EngineBench bench, int count)
    {
        var sequences = Enumerable.Range(0, 3).Select(i =>
            bench.Submit(EngineBench.Prompt(5 + (4 * i), (uint)i), EngineBench.Greedy(count))).ToList();
        bench.Drive();
        return [.. sequences.Select(EngineBench.Read)];
    }

    /// <summary>A text that seldom repeats itself, so that there is little to quote.</summary>
    private static int Next(uint id, int place) =>
        (int)((((ulong)id * 31) + ((ulong)(place * place) * 17) + 5) * 2_654_435_761 % 4093 % 60);

    private static float[] Scripted(uint[] history)
    {
        var logits = new float[64];
        logits[Next(history[^1], history.Length - 1)] = 1;
        return logits;
    }
}
