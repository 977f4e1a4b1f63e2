using System.Diagnostics;
using System.Globalization;
using Parley.Generator.Execution.Kernels;
using Parley.PackageFormat;

namespace Parley.Benchmarks;

/// <summary>Latent attention beside attention over the expanded keys and values of all heads, by turns in one run.</summary>
/// <remarks><c>latent [--shape 20,512,64,192,256] [--cache Fp16] [--threads 2] [--repeats 9] [--cases "1,1,1024;…"]</c>, the shape as
/// heads, rank, turning, plain, value.</remarks>
internal static class LatentBench
{
    public static void Run(string[] args)
    {
        var settings = args.Chunk(2).ToDictionary(pair => pair[0].TrimStart('-'), pair => pair[1]);
        var sizes = Numbers(settings.GetValueOrDefault("shape", "20,512,64,192,256"));
        var cache = Enum.Parse<KvCachePrecision>(settings.GetValueOrDefault("cache", "Fp16"));
        var threads = int.Parse(settings.GetValueOrDefault("threads", "2"), CultureInfo.InvariantCulture);
        var repeats = int.Parse(settings.GetValueOrDefault("repeats", "9"), CultureInfo.InvariantCulture);
        var cases = settings.GetValueOrDefault("cases", "1,1,256;1,1,1024;1,1,4096;8,1,1024;1,64,1024;1,512,0").Split(';');
        var shape = new LatentShape(sizes[1], sizes[2]);
        var expanded = (Math.Max(sizes[2] + sizes[3], sizes[4]) + 15) / 16 * 16;
        Console.WriteLine(
            $"{PagedAttentionKernel.BestName}, {sizes[0]} heads, latent {sizes[1]} + {sizes[2]}, heads of {expanded}, {cache} cache, "
            + $"{threads} threads; ms per layer, median of {repeats}");
        Console.WriteLine("| B, S, past | expanded heads | latent | with the linears of each head |");
        Console.WriteLine("|---|---|---|---|");
        foreach (var text in cases)
        {
            var numbers = Numbers(text);
            var heads = new AttentionLoad(sizes[0], sizes[0], expanded, numbers[0], numbers[1], numbers[2]);
            // As many layers as the latents need to be larger than the processor's caches.
            var latent = heads with { KeyValueHeads = 1, HeadSize = sizes[4] };
            using var whole = new PagedAttentionSession(heads, blockTokens: 32, cache, threads);
            using var alone = new LatentSession(latent, shape, sizes[3], cache, withLinears: false, threads);
            using var linears = new LatentSession(latent, shape, sizes[3], cache, withLinears: true, threads);
            var times = Measure([whole, alone, linears], repeats);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {text.Replace(",", ", ", StringComparison.Ordinal)} | {times[0] / heads.Layers:F3} | {times[1] / latent.Layers:F3} | "
                + $"{times[2] / latent.Layers:F3} |"));
        }
    }

    private static double[] Measure(AttentionSession[] sessions, int repeats)
    {
        var times = sessions.Select(_ => new List<double>()).ToArray();
        for (var round = -2; round < repeats; round++)
        {
            foreach (var (i, session) in sessions.Index())
            {
                var started = Stopwatch.GetTimestamp();
                session.Run();
                if (round >= 0)
                    times[i].Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }

        return [.. times.Select(list => list.Order().ElementAt(list.Count / 2))];
    }

    private static int[] Numbers(string text) =>
        [.. text.Split(',').Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
}
