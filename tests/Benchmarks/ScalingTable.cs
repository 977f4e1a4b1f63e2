using System.Diagnostics;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Templating;

namespace Parley.Benchmarks;

/// <summary>
/// Whether encoding is linear: each text at twice the length of the one before, with what a call allocates and the collections it causes.
/// A plain loop, because BenchmarkDotNet's many runs of many lengths would take an hour.
/// </summary>
internal static class ScalingTable
{
    private const int BytesMin = 25_000;
    private const int Doublings = 7;
    private const double SecondsPerRow = 0.25;

    public static void Print()
    {
        Console.WriteLine("| vocabulary | text | bytes | time | per byte | against half | allocated | gen 2 per call |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (var vocabulary in (string[])[Material.Llama3, Material.Llama2])
        {
            var tokenizer = Material.Load(vocabulary);
            PrintText(tokenizer, vocabulary, "letters", bytes => new string('a', bytes));
            PrintText(tokenizer, vocabulary, "spaces", bytes => new string(' ', bytes));
            PrintText(tokenizer, vocabulary, "emoji", bytes => string.Concat(Enumerable.Repeat("🙂", bytes / 4)));
            PrintText(tokenizer, vocabulary, "random letters", RandomLetters);
            PrintText(tokenizer, vocabulary, "prose and code", Prose);
        }
    }

    private static void PrintText(HuggingFaceTokenizer tokenizer, string vocabulary, string name, Func<int, string> create)
    {
        var ids = new List<int>();
        var before = 0.0;
        for (var i = 0; i <= Doublings; i++)
        {
            var bytes = BytesMin << i;
            var text = create(bytes);
            Encode(tokenizer, text, ids);
            Encode(tokenizer, text, ids);
            var times = new List<double>();
            var (collections, allocated) = (GC.CollectionCount(2), GC.GetAllocatedBytesForCurrentThread());
            for (var started = Stopwatch.GetTimestamp(); times.Count < 5 || Stopwatch.GetElapsedTime(started).TotalSeconds < SecondsPerRow;)
                times.Add(Encode(tokenizer, text, ids));
            allocated = (GC.GetAllocatedBytesForCurrentThread() - allocated) / times.Count;
            collections = GC.CollectionCount(2) - collections;
            times.Sort();
            var median = times[times.Count / 2];
            Console.WriteLine($"| {vocabulary} | {name} | {bytes:N0} | {median * 1e3:F2} ms | {median * 1e9 / bytes:F1} ns | "
                + $"{(before > 0 ? (median / before).ToString("F2") : "–")} | {allocated / 1024:N0} KiB | "
                + $"{(double)collections / times.Count:F2} |");
            before = median;
        }
    }

    private static double Encode(HuggingFaceTokenizer tokenizer, string text, List<int> ids)
    {
        ids.Clear();
        var started = Stopwatch.GetTimestamp();
        tokenizer.Encode(text, UserRanges.None, addSpecialTokens: false, ids);
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    // One long word: every pair is another one, which is what a queue by rank likes least.
    private static string RandomLetters(int bytes)
    {
        var random = new Random(7);
        return string.Create(bytes, random, static (characters, source) =>
        {
            foreach (ref var character in characters)
                character = (char)('a' + source.Next(26));
        });
    }

    private static string Prose(int bytes)
    {
        var text = Material.LongText;
        return string.Concat(Enumerable.Repeat(text, (bytes / text.Length) + 1))[..bytes];
    }
}
