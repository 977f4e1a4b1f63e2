using System.Diagnostics;
using System.Globalization;
using Parley.Generator.Execution.Kernels;

namespace Parley.Benchmarks;

/// <summary>
/// Attention through ONNX Runtime, ours in its settings and GroupQueryAttention by turns in one run, so that the ratio survives a machine
/// whose speed drifts.
/// </summary>
/// <remarks><c>attention [--blocks 32,64] [--caches Fp32,Int8] [--heads 32/8] [--threads 2] [--repeats 15] [--window 0]
/// [--cases "1,1,256;8,1,896"]</c></remarks>
internal static class AttentionBench
{
    private static readonly string[] AllCases =
        ["1,1,256", "1,1,896", "8,1,256", "8,1,896", "1,32,256", "1,128,256", "1,128,896", "1,512,0", "16,1,3500"];

    public static void Run(string[] args)
    {
        var settings = args.Chunk(2).ToDictionary(pair => pair[0].TrimStart('-'), pair => pair[1]);
        var blocks = Numbers(settings.GetValueOrDefault("blocks", "32"), ',');
        var heads = Numbers(settings.GetValueOrDefault("heads", "32/8"), '/');
        var headSize = int.Parse(settings.GetValueOrDefault("size", "64"), CultureInfo.InvariantCulture);
        var threads = int.Parse(settings.GetValueOrDefault("threads", "2"), CultureInfo.InvariantCulture);
        var repeats = int.Parse(settings.GetValueOrDefault("repeats", "15"), CultureInfo.InvariantCulture);
        var window = int.Parse(settings.GetValueOrDefault("window", "0"), CultureInfo.InvariantCulture);
        var cases = settings.TryGetValue("cases", out var chosen) ? chosen.Split(';') : AllCases;
        var caches = settings.GetValueOrDefault("caches", "Fp32,Fp16,Int8").Split(',').Select(Enum.Parse<KvCachePrecision>).ToArray();
        var ways = (from cache in caches from block in blocks select (Cache: cache, Block: block)).ToArray();
        Console.WriteLine(
            $"{PagedAttentionKernel.BestName}, {heads[0]}/{heads[1]} heads of {headSize}, {threads} threads, window {window}; "
            + $"ms per layer, median of {repeats}");
        Console.WriteLine($"| B, S, past | GQA | {string.Join(" | ", ways.Select(way => $"{way.Cache}, block {way.Block} (ratio)"))} |");
        Console.WriteLine($"|---|---{string.Concat(ways.Select(_ => "|---"))}|");
        foreach (var text in cases)
        {
            var numbers = Numbers(text, ',');
            var load = new AttentionLoad(heads[0], heads[1], headSize, numbers[0], numbers[1], numbers[2], window);
            var sessions = new List<AttentionSession> { new GroupQueryAttentionSession(load, threads) };
            sessions.AddRange(ways.Select(way => new PagedAttentionSession(load, way.Block, way.Cache, threads)));
            var times = Measure(sessions, repeats).Select(time => time / load.Layers).ToArray();
            foreach (var session in sessions)
                session.Dispose();
            var ours = times.Skip(1).Select(time => $"{time:F3} ({times[0] / time:F2})");
            Console.WriteLine($"| {text.Replace(",", ", ", StringComparison.Ordinal)} | {times[0]:F3} | {string.Join(" | ", ours)} |");
        }
    }

    private static double[] Measure(List<AttentionSession> sessions, int repeats)
    {
        var times = sessions.Select(_ => new List<double>()).ToArray();
        for (var round = -2; round < repeats; round++)
        {
            for (var i = 0; i < sessions.Count; i++)
            {
                var started = Stopwatch.GetTimestamp();
                sessions[i].Run();
                if (round >= 0)
                    times[i].Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }

        return [.. times.Select(list => list.Order().ElementAt(list.Count / 2))];
    }

    private static int[] Numbers(string text, char separator) =>
        [.. text.Split(separator).Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
}
