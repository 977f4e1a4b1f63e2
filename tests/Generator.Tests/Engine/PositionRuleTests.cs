using Parley.Generator.Tests.Doubles;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Engine;

/// <summary>A model whose tokens turn by the length of their sequence: none of another length is among those that one sees.</summary>
public sealed class PositionRuleTests
{
    private const int Border = 50;

    /// <summary>The runner itself refuses a history of two kinds, and a draft over the border.</summary>
    [Theory]
    [InlineData(PositionRule.LongRope, 1, 0)]
    [InlineData(PositionRule.LongRope, 2, 5)]
    [InlineData(PositionRule.LongRope, 3, 5)]
    [InlineData(PositionRule.Dynamic, 4, 0)]
    [InlineData(PositionRule.Dynamic, 5, 5)]
    public void Sequences_OfAnySchedule_AreComputedForTheirOwnLength(string kind, int seed, int draftTokens)
    {
        var random = new Random(seed);
        var runner = new ScriptedModelRunner(blockCount: 70, blockTokens: 4)
        {
            Shape = new ModelShape(1, 8, 8, 1, 1, 8, 64, 4096, true) { Positions = new PositionRule(kind, Border) },
        };
        using var bench = new EngineBench(runner, runningMax: 6, contextTokensMax: 200, stepTokensMax: 32, draftTokensMax: draftTokens);
        var shared = EngineBench.Prompt(80, 7);
        var submitted = new List<(uint[] Prompt, int Count, Generator.Sequences.Sequence Sequence)>();
        for (var i = 0; i < 24; i++)
        {
            uint[] prompt = [.. shared[..random.Next(1, 70)], .. EngineBench.Prompt(random.Next(1, 12), (uint)random.Next(2))];
            var count = random.Next(1, 60);
            submitted.Add((prompt, count, bench.Submit(prompt, EngineBench.Greedy(count))));
            for (var step = random.Next(12); step > 0; step--)
                bench.Step();
        }

        bench.Drive();
        foreach (var (prompt, count, sequence) in submitted)
            Assert.Equal(Expected(kind, prompt, count), EngineBench.Read(sequence));
        Assert.True(bench.Engine.Totals.CachedTokens > 0, "no prefix was shared");
        bench.AssertEmpty();
    }

    private static uint[] Expected(string kind, uint[] prompt, int count) => EngineBench.Expected(
        prompt, EngineBench.Greedy(count),
        logitsOf: history =>
        {
            var length = kind == PositionRule.Dynamic ? Math.Max(prompt.Length, Border) : history.Length > Border ? Border + 1 : Border;
            return ScriptedModelRunner.HashedLogits([(uint)length % 60, .. history], 64);
        });
}
