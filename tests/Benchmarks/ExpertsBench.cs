using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Experts;
using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Benchmarks;

/// <summary>
/// The mixtures of experts of a model's layers by number of rows, with other logits in each layer and step: time, bytes of weights that
/// were read, and those on paper. Each step is paired with a turn of the probe: what others take of a shared machine changes by the
/// second. <c>experts [hidden,intermediate,experts,chosen,layers] [rows,…] [format] [--spin]</c>
/// </summary>
internal static class ExpertsBench
{
    private const int Threads = 2;

    /// <summary>Sets of logits that steps take in turn.</summary>
    private const int Turns = 16;

    private static readonly int[] DefaultRows = [1, 8, 512];

    public static void Run(string[] settings)
    {
        var words = settings.Where(word => !word.StartsWith('-')).ToArray();
        var shape = ExpertsBenchModel.Parse(words.Length > 0 ? words[0] : "2048,768,64,8,24", words.Length > 2 ? words[2] : "4-32-scale");
        int[] rows = words.Length > 1 ? [.. words[1].Split(',').Select(int.Parse)] : DefaultRows;
        using var model = new ExpertsBenchModel(shape, Threads, settings.Contains("--spin") ? 20 : 0);
        Write($"{QuantizedLinearKernel.Best.Name}, {Threads} threads; {shape}; weights {shape.Bytes / 1e9:0.00} GB, read for a token "
            + $"{(double)shape.ExpertBytes * shape.TopK * shape.Layers / 1e9:0.000} GB; load {File.ReadAllText("/proc/loadavg").Trim()}");
        Write("| rows | ms | tokens/s | read, GB | on paper, GB | GB/s | probe, GB/s | share | of the best | by processor time |");
        Write("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        var rates = rows.ToDictionary(count => count, count => Print(model, count));
        if (rates.TryGetValue(8, out var eight) && rates.TryGetValue(512, out var prefill))
            Write($"prefill of 512 is {prefill / eight:0.00} times the rate of a batch of 8");
    }

    /// <summary>Tokens a second in the median step.</summary>
    private static double Print(ExpertsBenchModel model, int rows)
    {
        var shape = model.Shape;
        var logits = model.Logits(rows, Turns * shape.Layers);
        using var input = new AlignedBuffer((long)rows * shape.Hidden * sizeof(float));
        var random = new Random(1);
        foreach (ref var value in input.Span<float>(rows * shape.Hidden))
            value = random.NextSingle() - 0.5f;
        using var output = new AlignedBuffer(input.Bytes);
        using var x = input.View(TensorElementType.Float, sizeof(float), rows, shape.Hidden);
        using var y = output.View(TensorElementType.Float, sizeof(float), rows, shape.Hidden);
        List<Sample> steps = [], probes = [];
        var paper = 0L;
        var until = Stopwatch.GetTimestamp() + (6 * Stopwatch.Frequency);
        for (var turn = -1; turn < 5 || Stopwatch.GetTimestamp() < until; turn++)
        {
            var first = Math.Max(turn, 0) % Turns * shape.Layers;
            var probe = Sample.Take(() => BandwidthProbe.Read(Threads), () => BandwidthProbe.TurnBytes);
            var before = ExpertReads.Bytes;
            var step = Sample.Take(
                () =>
                {
                    for (var layer = 0; layer < shape.Layers; layer++)
                        model.Run(layer, x, logits[first + layer], y);
                },
                () => ExpertReads.Bytes - before);
            // The first warms up.
            if (turn < 0)
                continue;
            steps.Add(step);
            probes.Add(probe);
            for (var layer = 0; layer < shape.Layers; layer++)
                paper += model.Distinct(logits[first + layer], rows) * shape.ExpertBytes;
        }

        foreach (var value in logits)
            value.Dispose();
        var median = Median(steps.Select(step => step.Seconds));
        var share = Median(steps.Zip(probes, (step, probe) => step.Speed / probe.Speed));
        var processor = Median(steps.Zip(probes, (step, probe) => step.ProcessorSpeed / probe.ProcessorSpeed));
        var (fastest, quickest) = (steps.Max(step => step.Speed), probes.Max(probe => probe.Speed));
        Write($"| {rows} | {median * 1e3:0.00} (best {steps.Min(step => step.Seconds) * 1e3:0.00}) | {rows / median:0.0} | "
            + $"{steps.Average(step => step.Bytes) / 1e9:0.000} | {paper / 1e9 / steps.Count:0.000} | "
            + $"{Median(steps.Select(step => step.Speed)) / 1e9:0.0} | {Median(probes.Select(probe => probe.Speed)) / 1e9:0.0} "
            + $"(best {quickest / 1e9:0.0}) | {share:0%} | {fastest / quickest:0%} | {processor:0%} |");
        return rows / median;
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    private static void Write(string line) => Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{line}"));

    /// <summary>What some work read, how long it took, and how long the processor was at it.</summary>
    private readonly record struct Sample(double Seconds, double ProcessorSeconds, long Bytes)
    {
        public double Speed => Bytes / Seconds;

        public double ProcessorSpeed => Bytes / ProcessorSeconds;

        public static Sample Take(Action work, Func<long> bytes)
        {
            var processor = Environment.CpuUsage.TotalTime;
            var start = Stopwatch.GetTimestamp();
            work();
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            return new Sample(seconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds, bytes());
        }
    }
}
