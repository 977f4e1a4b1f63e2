using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Benchmarks;

/// <summary>
/// The linears of some layers of the Llama-3.2-1B shape by number of rows: our operator beside ONNX Runtime's in one run, each in a
/// session of its own on two threads. <c>linears [rows,…] [format,…] [--spin]</c>
/// </summary>
internal static class LinearBench
{
    private const int Layers = 3;
    private const int Threads = 2;

    private static readonly int[] DefaultRows = [1, 2, 4, 8, 16, 32, 128, 512];

    public static void Run(string[] settings)
    {
        var words = settings.Where(word => !word.StartsWith('-')).ToArray();
        var rows = words.Length > 0 ? [.. words[0].Split(',').Select(int.Parse)] : DefaultRows;
        var formats = words.Length > 1 ? words[1].Split(',') : LinearBenchModel.Formats;
        var spinning = settings.Contains("--spin");
        var bandwidth = BandwidthProbe.Measure(Threads);
        Write($"{QuantizedLinearKernel.Best.Name}, {Threads} threads, spinning {(spinning ? "on" : "off")}, {Layers} layers; "
            + $"read bandwidth {bandwidth:0.0} GB/s; multiply-adds {LinearBenchModel.Products * Layers / 1e9:0.000} G");
        var columns = string.Join(" | ", rows.Select(count => $"{count} rows, ms (GMAC/s)"));
        Write($"| format | MB | {columns} | share of bandwidth at the first |");
        Write("| --- | --- | " + string.Concat(rows.Select(_ => "--- | ")) + "--- |");
        foreach (var format in formats)
        {
            var model = new LinearBenchModel(format, Layers);
            using var options = SessionFactory.CreateOptions(Threads, spinning ? 20 : 0);
            using var session = new InferenceSession(model.Bytes, options);
            var times = rows.Select(count => Time(session, model, count)).ToArray();
            var cells = rows.Zip(times, (count, seconds) => $"{seconds * 1e3:0.00} ({model.AllProducts * count / seconds / 1e9:0})");
            Write($"| {format} | {model.WeightBytes / 1e6:0} | {string.Join(" | ", cells)} | "
                + $"{model.WeightBytes / times[0] / 1e9 / bandwidth:0%} |");
        }
    }

    /// <summary>The best of some runs: the machine is shared.</summary>
    private static double Time(InferenceSession session, LinearBenchModel model, int rows)
    {
        using var binding = session.CreateIoBinding();
        using var buffers = model.Bind(binding, rows);
        using var run = new RunOptions();
        session.RunWithBinding(run, binding);
        var best = double.MaxValue;
        var until = Stopwatch.GetTimestamp() + (Stopwatch.Frequency * 3 / 4);
        for (var i = 0; i < 4 || Stopwatch.GetTimestamp() < until; i++)
        {
            var start = Stopwatch.GetTimestamp();
            session.RunWithBinding(run, binding);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private static void Write(string line) => Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{line}"));
}
