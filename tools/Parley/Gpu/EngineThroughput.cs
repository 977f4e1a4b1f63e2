using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Parley.Generator;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.Execution;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;

namespace Parley.Cli.Gpu;

/// <summary>Tokens per second of the whole engine while all sequences decode, sampled as a chat is.</summary>
internal static class EngineThroughput
{
    private const int PromptTokens = 32;

    /// <summary>Measures.</summary>
    /// <param name="runner">The device; not disposed.</param>
    /// <param name="settings">Sizes.</param>
    /// <param name="sequences">Sequences at once.</param>
    /// <param name="tokens">Tokens of each answer.</param>
    public static GpuStep Measure(IModelRunner runner, GeneratorOptions settings, int sequences, int tokens)
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var queue = new AdmissionQueue(sequences, int.MaxValue, TimeProvider.System);
        var context = Math.Min(runner.Shape.ContextTokensMax, Math.Min(settings.ContextTokensMax, runner.BlockCount * runner.BlockTokens));
        var engine = new GenerationEngine(
            runner, [], settings.ToLimits(context), queue, TimeProvider.System,
            new GeneratorTelemetry(services.GetRequiredService<IMeterFactory>()), NullLogger.Instance);
        var random = new Random(sequences);
        var all = new List<Sequence>();
        for (var i = 0; i < sequences; i++)
        {
            uint[] prompt = [.. Enumerable.Range(0, PromptTokens).Select(_ => (uint)random.Next(runner.Shape.VocabularySize))];
            var parameters = new SamplingParameters
            {
                Sample = true,
                Temperature = 0.6f,
                TopK = 50,
                TopP = 0.9f,
                Seed = (ulong)i,
                MaxTokens = tokens,
                IgnoreEos = true,
            };
            var sequence = new Sequence($"bench-{i}", prompt, [], parameters, new TokenStream(tokens + 1, queue.Wake));
            queue.TryEnqueue(sequence);
            all.Add(sequence);
        }

        // Prefill and the first decode steps, in which graphs are captured and code is compiled, do not count.
        while (all.Any(sequence => sequence.AnswerLength < tokens / 4))
        {
            engine.Step();
            if (all.Find(sequence => sequence.Stream.End is { Failure: not null }) is { } failed)
                throw new InvalidDataException($"A sequence failed: {failed.Stream.End!.Message}");
        }

        var (started, before, steps) = (Stopwatch.GetTimestamp(), engine.Totals.CompletionTokens, 0);
        while (all.All(sequence => sequence.Status == SequenceStatus.Running))
        {
            engine.Step();
            steps++;
        }

        if (steps == 0)
            throw new InvalidDataException($"{tokens} tokens are too few for {sequences} sequences to decode together; raise --answer.");
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var made = engine.Totals.CompletionTokens - before;
        while (engine.Step() != StepOutcome.Idle)
        {
        }

        return new GpuStep("engine", sequences, sequences, PromptTokens, seconds * 1000 / steps, made / seconds);
    }
}
