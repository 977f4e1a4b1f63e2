using Parley.Generator.Engine;
using Parley.Generator.Sequences;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Scheduling;

/// <summary>Counted in steps and in the tokens of steps; a step takes as long as its tokens do.</summary>
public sealed class FairnessTests
{
    private const int ChunkTokens = 8;

    [Fact]
    public void Step_ShortChatBehindLongPrompts_HasItsFirstTokenInAFewSteps()
    {
        using var bench = Bench();
        for (var i = 0; i < 15; i++)
            bench.Submit(Other(400, i), EngineBench.Greedy(4));
        bench.Step();
        var chat = bench.Submit(EngineBench.Prompt(7, 50), EngineBench.Greedy(10));

        // A quarter of 32 tokens is enough for its prompt; one step to start.
        Assert.InRange(StepsUntil(bench, () => chat.AnswerLength > 0), 1, 2);
        Assert.InRange(StepsUntil(bench, () => chat.Stream.End is not null), 1, 9);
        bench.Drive();
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_FloodThatDoesNotEnd_DelaysAShortChatOnlyByWhatCameBefore()
    {
        using var bench = Bench();
        var arrived = 0;
        for (var i = 0; i < 40; i++)
            bench.Submit(Other(100, ++arrived), EngineBench.Greedy(4));
        var chat = bench.Submit(EngineBench.Prompt(7, 500), EngineBench.Greedy(4));
        var steps = 0;
        for (; chat.Stream.End is null; steps++)
        {
            Assert.True(steps < 5000, "The short chat starves.");
            if (bench.Queue.Requests < 60)
                bench.Submit(Other(100, ++arrived), EngineBench.Greedy(4));
            bench.Step();
        }

        // 4,000 prompt tokens came before it, 8 in a step at the least, and the flood behind it gets a quarter of a step at most.
        Assert.InRange(steps, 1, 4000 / ChunkTokens * 4 / 3);
        Assert.True(arrived > 60, "The flood was meant to go on.");
    }

    [Fact]
    public void Step_LongPromptAmongShortOnesThatDoNotEnd_IsReadToItsEnd()
    {
        using var bench = Bench();
        var longPrompt = bench.Submit(EngineBench.Prompt(300, 3), EngineBench.Greedy(2));
        var steps = 0;
        for (; longPrompt.Stream.End is null; steps++)
        {
            Assert.True(steps < 5000, "The long prompt starves.");
            if (bench.Queue.Requests < 30)
                bench.Submit(Other(5, steps), EngineBench.Greedy(2));
            bench.Step();
        }

        Assert.InRange(steps, 300 / 32, (300 / (ChunkTokens * 3 / 4)) + 2);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void Step_FloodBesideARunningChat_BoundsThePauseBetweenItsTokens(int draftTokensMax)
    {
        using var bench = Bench(draftTokensMax);
        var chat = bench.Submit(EngineBench.Prompt(7, 500), EngineBench.Greedy(200));
        bench.Step();
        for (var step = 0; chat.Stream.End is null; step++)
        {
            if (bench.Queue.Requests < 60)
                bench.Submit(Other(30 + (step % 90), step), EngineBench.Greedy(1 + (step % 5)));
            var (answer, tokens) = (chat.AnswerLength, bench.Runner.TokensRun);
            bench.Step();
            Assert.True(chat.AnswerLength > answer, "A step passed without a token for the chat.");
            Assert.InRange(bench.Runner.TokensRun - tokens, 1, ChunkTokens + 16);
        }

        Assert.Equal(FinishReason.MaxTokens, chat.Stream.End!.Finish);
    }

    private static EngineBench Bench(int draftTokensMax = 0) => new(
        new ScriptedModelRunner(blockCount: 3000), runningMax: 16, stepTokensMax: 32, chunkTokens: ChunkTokens,
        draftTokensMax: draftTokensMax);

    /// <summary>A prompt that has nothing in common with another.</summary>
    private static uint[] Other(int length, int number) =>
        [(uint)number % 60, (uint)number / 60, .. EngineBench.Prompt(length, (uint)number)[2..]];

    private static int StepsUntil(EngineBench bench, Func<bool> isSo)
    {
        var steps = 0;
        for (; !isSo(); steps++)
            Assert.Equal(StepOutcome.Completed, bench.Step());
        return steps;
    }
}
