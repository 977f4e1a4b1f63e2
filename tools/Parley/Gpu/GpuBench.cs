using System.Diagnostics;
using System.Globalization;
using Parley.Generator.Execution;

namespace Parley.Cli.Gpu;

/// <summary>Prefill by length, decode by batch, and the engine by sequences, on one device at one precision.</summary>
internal sealed class GpuBench(GpuOptions options, int[] batches, int[] prompts, int past, int answerTokens, bool graphs)
{
    private const int WarmUpSteps = 5;
    private const int Repeats = 25;

    /// <summary>Measures; what fails ends it, and what was measured before stays.</summary>
    /// <param name="precision">The package.</param>
    /// <param name="progress">Takes the result so far, each time that a row is new.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public GpuBenchResult Run(string precision, Action<GpuBenchResult> progress, CancellationToken cancellationToken)
    {
        var context = Math.Max(past + 1, Math.Max(prompts.Max(), (4 * answerTokens) + 64)) + 256;
        var packages = new GpuPackages(options, context);
        var bandwidth = packages.MeasureBandwidth();
        var name = packages.OnDevice(precision);
        var (sequences, stepTokens) = (batches.Max(), Math.Max(prompts.Max(), batches.Max()));
        var settings = GpuPackages.Settings(sequences, stepTokens, context, graphs);
        using var driver = new StepDriver(packages.Open(name, settings, cancellationToken), sequences, stepTokens, context);
        var (steps, engine, shares) = (new List<GpuStep>(), new List<GpuStep>(), new Dictionary<string, double>());
        var shape = driver.Runner.Shape;
        var weightBytes = WeightBytes(packages.Import(name, cancellationToken));
        var kvBytes = (long)shape.CacheElementsPerToken * (options.Rehearsal ? sizeof(float) : sizeof(ushort));
        var result = new GpuBenchResult(driver.Runner.Device, name, graphs, bandwidth, weightBytes, kvBytes, steps, shares, engine);
        try
        {
            MeasurePrefill(driver, row => Add(steps, row), cancellationToken);
            MeasureDecode(driver, row => Add(steps, row), cancellationToken);
            foreach (var batch in batches.Where(batch => batch is 1 or 16 or 64 or 256 || batch == sequences))
                Add(engine, EngineThroughput.Measure(driver.Runner, settings, batch, answerTokens));
            return result;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return result with { Error = exception.Message };
        }

        void Add(List<GpuStep> rows, GpuStep row)
        {
            rows.Add(row);
            if (row.Kind == "decode")
            {
                var bytes = weightBytes + ((double)row.Sequences * row.Context * kvBytes);
                shares.Add(row.Sequences.ToString(CultureInfo.InvariantCulture), bytes / (row.StepMs * 1e-3) / (bandwidth * 1e9));
            }

            progress(result);
        }
    }

    private void MeasurePrefill(StepDriver driver, Action<GpuStep> add, CancellationToken cancellationToken)
    {
        var ids = Ids(driver);
        foreach (var tokens in prompts.Where(tokens => tokens <= driver.ContextTokens))
            add(Measure(driver, "prefill", [(0, ids.AsMemory(0, tokens), 0)], 0, cancellationToken));
    }

    private void MeasureDecode(StepDriver driver, Action<GpuStep> add, CancellationToken cancellationToken)
    {
        var ids = Ids(driver);
        var pastTokens = Math.Min(past, driver.ContextTokens - 1);
        for (var i = 0; i < batches.Max(); i++)
            driver.Prefill(i, ids.AsMemory(0, pastTokens), driver.StepTokens);
        foreach (var batch in batches)
        {
            var rows = Enumerable.Range(0, batch)
                .Select(i => (i, (ReadOnlyMemory<uint>)ids.AsMemory(pastTokens, 1), pastTokens)).ToArray();
            add(Measure(driver, "decode", rows, pastTokens, cancellationToken));
        }
    }

    private static uint[] Ids(StepDriver driver)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, driver.ContextTokens).Select(_ => (uint)random.Next(driver.Runner.Shape.VocabularySize))];
    }

    /// <summary>A tied embedding is the head, which each step reads; rows of an untied one are read by the token, not counted.</summary>
    private static long WeightBytes(string package)
    {
        var manifest = Parley.Generator.Model.ModelPackage.Open(package).Manifest;
        var bytes = manifest.Files["model.data"].Bytes;
        var shape = manifest.Shape;
        return shape.TiedEmbeddings ? bytes : bytes - ((long)shape.VocabularySize * shape.HiddenSize * sizeof(ushort));
    }

    private static GpuStep Measure(
        StepDriver driver, string kind, (int Sequence, ReadOnlyMemory<uint> Ids, int Past)[] rows, int past,
        CancellationToken cancellationToken)
    {
        // What a chat needs of a step: its candidates, not all logits.
        driver.Run(logitsWanted: driver.Runner is not ICandidateRunner, rows);
        var times = new List<double>();
        for (var i = 0; i < WarmUpSteps + Repeats; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var started = Stopwatch.GetTimestamp();
            driver.Again();
            if (i >= WarmUpSteps)
                times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        times.Sort();
        var median = times[times.Count / 2];
        var tokens = rows.Sum(row => row.Ids.Length);
        return new GpuStep(kind, rows.Length, tokens, past, median, tokens / median * 1000);
    }
}
