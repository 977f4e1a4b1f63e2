using CsCheck;
using Parley.Generator.Sequences;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Engine;

/// <summary>Anything may happen at any time; each accepted sequence still ends exactly once, and what it delivered is right.</summary>
public sealed class RandomScheduleTests
{
    private static readonly Gen<(int Kind, int Who, int Length, int Tokens)> Operation =
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 30], Gen.Int[1, 30], Gen.Int[1, 20]);

    [Fact]
    public void Engine_AnySchedule_EndsEverySequenceOnceWithTheRightTokens() =>
        Operation.Array[10, 120].ForAll(150, Play);

    private static void Play((int Kind, int Who, int Length, int Tokens)[] operations)
    {
        var runner = new ScriptedModelRunner(blockCount: 18);
        using var bench = new EngineBench(runner, runningMax: 5, stepTokensMax: 12, chunkTokens: 5, stepFailuresMax: 1000);
        var sequences = new List<(uint[] Prompt, SamplingParameters Parameters, Sequence Sequence, List<uint> Read)>();
        foreach (var (kind, who, length, tokens) in operations)
        {
            switch (kind)
            {
                case 0 or 1 or 2:
                    var prompt = EngineBench.Prompt(length, (uint)(who % 3));
                    var parameters = EngineBench.Sampled((ulong)who, tokens) with
                    {
                        Priority = who % 4,
                        RepetitionPenalty = 1 + (who % 2 * 0.1f),
                    };
                    var deadline = who % 7 == 0 ? bench.Time.GetTimestamp() + (bench.Time.TimestampFrequency * 20) : long.MaxValue;
                    sequences.Add((prompt, parameters, bench.Submit(prompt, parameters, streamTokensMax: 6, deadline), []));
                    break;
                case 3 when sequences.Count > 0:
                    sequences[who % sequences.Count].Sequence.Cancel();
                    break;
                case 4:
                    bench.Time.Advance(TimeSpan.FromSeconds(tokens));
                    break;
                case 5 when who % 5 == 0:
                    runner.BeforeRun = _ => throw new InvalidOperationException("device");
                    bench.Step();
                    runner.BeforeRun = null;
                    break;
                default:
                    bench.Step();
                    if (sequences.Count > 0)
                        Read(sequences[who % sequences.Count]);
                    break;
            }
        }

        Finish(bench, sequences);
    }

    private static void Finish(
        EngineBench bench, List<(uint[] Prompt, SamplingParameters Parameters, Sequence Sequence, List<uint> Read)> sequences)
    {
        for (var i = 0; i < 2000 && sequences.Exists(s => s.Sequence.Stream.End is null); i++)
        {
            bench.Step();
            sequences.ForEach(Read);
        }

        bench.AssertEmpty();
        foreach (var (prompt, parameters, sequence, read) in sequences)
        {
            Read((prompt, parameters, sequence, read));
            var expected = EngineBench.Expected(prompt, parameters);
            var end = sequence.Stream.End;
            Assert.NotNull(end);
            Assert.Equal(end.Usage.CompletionTokens, read.Count);
            Assert.Equal(expected[..read.Count], read);
            if (end.Failure is null)
                Assert.Equal(expected.Length, read.Count);
        }
    }

    private static void Read((uint[] Prompt, SamplingParameters Parameters, Sequence Sequence, List<uint> Read) entry) =>
        entry.Read.AddRange(EngineBench.Read(entry.Sequence));
}
