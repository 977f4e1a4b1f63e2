using System.Diagnostics;
using System.Reflection;
using Parley.Generator.Engine;
using Parley.Generator.Sequences;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Engine;

public sealed class GarbageTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void Step_ManySequencesDecode_LeavesNothingForTheCollector(int draftTokensMax)
    {
        var debuggable = typeof(GenerationEngine).Assembly.GetCustomAttribute<DebuggableAttribute>();
        Assert.SkipWhen(debuggable is { IsJITOptimizerDisabled: true }, "In Debug every step checks the invariants, with garbage.");
        using var bench = new EngineBench(new ScriptedModelRunner(blockCount: 1000), stepTokensMax: 64, draftTokensMax: draftTokensMax);
        var sequences = new List<Sequence>();
        for (var i = 0; i < 20; i++)
        {
            var parameters = i % 2 == 0 ? EngineBench.Greedy(190) : EngineBench.Sampled((ulong)i, 190) with { RepetitionPenalty = 1.1f };
            sequences.Add(bench.Submit(EngineBench.Prompt(20, (uint)i), parameters with { IgnoreEos = true }));
        }

        // Until all tables have room for 32 blocks and all streams for 128 tokens; four sequences wait all the time.
        while (sequences.Take(16).Any(sequence => sequence.AnswerLength < 66))
            bench.Engine.Step();
        var tokens = bench.Engine.Snapshot.CompletionTokens;
        var bytes = new long[10];
        for (var step = 0; step < bytes.Length; step++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread() - bench.Runner.BytesAllocated;
            bench.Engine.Step();
            bytes[step] = GC.GetAllocatedBytesForCurrentThread() - bench.Runner.BytesAllocated - before;
        }

        Assert.True(bench.Engine.Snapshot.CompletionTokens >= tokens + (16 * bytes.Length));
        Assert.All(bytes, allocated => Assert.Equal(0, allocated));
    }
}
