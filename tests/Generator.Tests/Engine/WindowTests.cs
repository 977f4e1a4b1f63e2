using Parley.Generator.Tests.Doubles;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Engine;

/// <summary>A model that looks back no further than a window: what lies behind is given back, and nobody notices.</summary>
public sealed class WindowTests
{
    private const int Window = 10;
    private static readonly ModelShape Shape = new(1, 8, 8, 1, 1, 8, 64, 4096, true) { WindowTokens = Window };

    /// <summary>26 blocks hold the window, the tile that it begins in and a step; the sequence has 150.</summary>
    [Fact]
    public void Sequence_LongerThanTheCache_RunsToItsEnd()
    {
        using var bench = new EngineBench(
            new ScriptedModelRunner(blockCount: 28, blockTokens: 4) { Shape = Shape }, contextTokensMax: 1000, stepTokensMax: 32);
        var prompt = EngineBench.Prompt(300);
        var parameters = EngineBench.Greedy(300);
        var sequence = bench.Submit(prompt, parameters);
        var blocksMax = 0;
        while (sequence.Stream.End is null)
        {
            bench.Step();
            blocksMax = Math.Max(blocksMax, bench.Engine.Snapshot.KvBlocksUsed);
        }

        Assert.Equal(Expected(prompt, 300), EngineBench.Read(sequence));
        Assert.InRange(blocksMax, 3, 28);
        bench.AssertEmpty();
    }

    /// <summary>Prefixes are shared, sequences preempted and resumed, drafts taken: each answer is that of its own tokens.</summary>
    [Theory]
    [InlineData(1, 40, 0)]
    [InlineData(2, 60, 4)]
    [InlineData(3, 200, 3)]
    public void Sequences_OfAnySchedule_HaveTheirOwnAnswers(int seed, int blocks, int draftTokens)
    {
        var random = new Random(seed);
        using var bench = new EngineBench(
            new ScriptedModelRunner(blockCount: blocks, blockTokens: 4) { Shape = Shape }, runningMax: 6, contextTokensMax: 600,
            stepTokensMax: 32, draftTokensMax: draftTokens);
        var shared = EngineBench.Prompt(150, 7);
        var submitted = new List<(uint[] Prompt, int Count, Generator.Sequences.Sequence Sequence)>();
        for (var i = 0; i < 20; i++)
        {
            uint[] prompt = [.. shared[..random.Next(1, 150)], .. EngineBench.Prompt(random.Next(1, 60), (uint)random.Next(3))];
            var count = random.Next(1, 120);
            submitted.Add((prompt, count, bench.Submit(prompt, EngineBench.Greedy(count))));
            for (var step = random.Next(20); step > 0; step--)
                bench.Step();
        }

        bench.Drive();
        foreach (var (prompt, count, sequence) in submitted)
            Assert.Equal(Expected(prompt, count), EngineBench.Read(sequence));
        bench.AssertEmpty();
    }

    private static uint[] Expected(uint[] prompt, int count) => EngineBench.Expected(
        prompt, EngineBench.Greedy(count),
        logitsOf: history => ScriptedModelRunner.HashedLogits(history[^Math.Min(Window, history.Length)..], 64));
}
