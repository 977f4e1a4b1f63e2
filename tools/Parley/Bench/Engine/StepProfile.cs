using System.Diagnostics;
using System.Text.Json;
using Parley.Generator.Execution;
using Parley.Generator.Model;
using Parley.Generator.Sampling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;

namespace Parley.Cli.Bench.Engine;

/// <summary>Takes decode steps apart with ONNX Runtime's own profile, and times the sampler behind them.</summary>
internal static class StepProfile
{
    private const int WarmUpSteps = 3;

    /// <summary>Runs the load's decode steps again, each size in a session of its own.</summary>
    public static IReadOnlyList<StepParts> Run(
        ModelPackage package, RunnerOptions options, EngineLoad load, CancellationToken cancellationToken)
    {
        var parts = new List<StepParts>();
        var ids = EngineSteps.RandomIds(load.Pasts.Max() + 1, package.Shape.VocabularySize);
        foreach (var past in load.Pasts)
        {
            foreach (var sequences in load.Batches)
            {
                cancellationToken.ThrowIfCancellationRequested();
                parts.Add(Measure(package, options, load, ids, sequences, past));
            }
        }

        return parts;
    }

    private static StepParts Measure(ModelPackage package, RunnerOptions options, EngineLoad load, uint[] ids, int sequences, int past)
    {
        var folder = Directory.CreateTempSubdirectory("parley-profile-");
        try
        {
            var profiled = options with { ProfilePrefix = Path.Combine(folder.FullName, "step") };
            using var runner = OnnxModelRunner.Create(package.ModelPath, package.Manifest, profiled);
            var batch = options.CreateBatch();
            for (var sequence = 0; sequence < sequences; sequence++)
            {
                EngineSteps.Plan(batch, options, load, ids, sequence, 1, past, past: 0, logitBest: 1);
                runner.Run(batch);
            }

            var sampling = new SamplingClock(package, sequences, past);
            for (var i = 0; i < WarmUpSteps + load.Repeats; i++)
            {
                EngineSteps.Plan(batch, options, load, ids, 0, sequences, 1, past, load.LogitBests[0]);
                sampling.Sample(runner.Run(batch), counts: i >= WarmUpSteps);
            }

            using var events = JsonDocument.Parse(File.ReadAllBytes(runner.EndProfiling()));
            return Read(events.RootElement, load.Repeats) with
            {
                Sequences = sequences,
                Past = past,
                SamplingMs = sampling.Milliseconds / load.Repeats,
            };
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Sums up the nodes of the last runs, in milliseconds per run.</summary>
    private static StepParts Read(JsonElement events, int runs)
    {
        var last = events.EnumerateArray().Where(entry => Name(entry) == "model_run").TakeLast(runs).ToList();
        var start = last[0].GetProperty("ts").GetInt64();
        var whole = last.Sum(entry => entry.GetProperty("dur").GetInt64());
        long attention = 0, linears = 0, experts = 0, head = 0, norms = 0, embedding = 0, other = 0;
        foreach (var entry in events.EnumerateArray())
        {
            if (!Name(entry).EndsWith("_kernel_time", StringComparison.Ordinal) || entry.GetProperty("ts").GetInt64() < start)
                continue;
            var time = entry.GetProperty("dur").GetInt64();
            var kind = entry.GetProperty("args").GetProperty("op_name").GetString()!;
            if (Name(entry).StartsWith("logits", StringComparison.Ordinal))
                head += time;
            else if (kind.EndsWith("Attention", StringComparison.Ordinal))
                attention += time;
            else if (kind.EndsWith("Experts", StringComparison.Ordinal))
                experts += time;
            else if (kind.EndsWith("LayerNormalization", StringComparison.Ordinal))
                norms += time;
            else if (kind.Contains("Gather", StringComparison.Ordinal))
                embedding += time;
            else if (kind.Contains("MatMul", StringComparison.Ordinal) || kind.Contains("Linear", StringComparison.Ordinal))
                linears += time;
            else
                other += time;
        }

        double Milliseconds(long microseconds) => microseconds / 1000.0 / runs;
        var nodes = attention + linears + experts + head + norms + embedding + other;
        return new StepParts(
            Sequences: 0, Past: 0, Milliseconds(attention), Milliseconds(linears), Milliseconds(experts), Milliseconds(head),
            Milliseconds(norms), Milliseconds(embedding), Milliseconds(other), Milliseconds(whole - nodes), Milliseconds(whole),
            SamplingMs: 0);
    }

    private static string Name(JsonElement entry) => entry.GetProperty("name").GetString() ?? "";

    /// <summary>Chooses the tokens of a step as greedy requests do.</summary>
    private sealed class SamplingClock(ModelPackage package, int sequences, int past)
    {
        private readonly Sampler _sampler = new(package.Shape.VocabularySize, []);
        private readonly Sequence _sequence = new(
            "bench", new uint[past], [], new SamplingParameters { MaxTokens = 1, Sample = false }, new TokenStream(16));

        public double Milliseconds { get; private set; }

        public void Sample(ReadOnlyMemory<float> logits, bool counts)
        {
            var started = Stopwatch.GetTimestamp();
            for (var row = 0; row < sequences; row++)
                _sampler.Sample(logits.Span.Slice(row * _sampler.VocabularySize, _sampler.VocabularySize), _sequence, out _);
            if (counts)
                Milliseconds += Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }
    }
}
