using System.Diagnostics;
using System.Globalization;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Templating;
using Parley.TokenizerFormat;

namespace Parley.Benchmarks;

/// <summary>
/// Parley's rows and those of Hugging Face's npm package in turns, round after round in one run, so that whatever else the machine does
/// falls on both. Needs Node and, in the current folder, <c>npm install tokenizers</c>; says so and ends where they are missing.
/// </summary>
internal static class PeerComparison
{
    private const int Rounds = 9;
    private const double SecondsPerRow = 0.1;

    private static readonly (string Row, string Name, double Seconds)[] Rows =
    [
        ("message", "message of ~100 tokens", SecondsPerRow), ("text", "1 MB, warm", SecondsPerRow), ("first", "1 MB, first time", 0),
        ("two", "2 × 1 MB on two threads", SecondsPerRow), ("letters", "100,000 × `a`", SecondsPerRow),
        ("spaces", "100,000 spaces", SecondsPerRow), ("emoji", "25,000 emoji (100,000 bytes)", SecondsPerRow), ("load", "load", 0),
    ];

    private static readonly Dictionary<string, string> Texts = new()
    {
        ["message"] = Material.ChatMessage,
        ["text"] = Material.LongText,
        ["first"] = Material.LongText,
        ["letters"] = new string('a', 100_000),
        ["spaces"] = new string(' ', 100_000),
        ["emoji"] = string.Concat(Enumerable.Repeat("🙂", 25_000)),
    };

    public static void Print()
    {
        var folder = Directory.CreateTempSubdirectory("parley-peer-").FullName;
        try
        {
            Material.Export(folder);
            using var peer = Start(folder);
            Console.WriteLine("| vocabulary | row | Parley (least–most) | peer (least–most) | ratio of medians | ahead in rounds |");
            Console.WriteLine("|---|---|---|---|---|---|");
            foreach (var vocabulary in (string[])[Material.Llama3, Material.Llama2])
                Compare(vocabulary, peer);
            peer.StandardInput.Close();
            peer.WaitForExit();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Process Start(string folder)
    {
        var script = Path.Combine(Material.Root, "tests", "Benchmarks", "peers", "tokenizers.mjs");
        return Process.Start(new ProcessStartInfo("node", [script, folder])
        { RedirectStandardInput = true, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("Node did not start.");
    }

    private static void Compare(string vocabulary, Process peer)
    {
        var json = Material.ReadJson(vocabulary);
        var tokenizer = Material.Load(vocabulary);
        var own = Rows.ToDictionary(row => row.Row, _ => new List<double>());
        var other = Rows.ToDictionary(row => row.Row, _ => new List<double>());
        // The first round compiles and fills caches, on both sides.
        for (var round = -1; round < Rounds; round++)
        {
            foreach (var (row, _, seconds) in Rows)
            {
                var (time, count) = Measure(tokenizer, json, row, seconds);
                var (peerTime, peerCount) = Ask(peer, vocabulary, row, seconds);
                if (count != peerCount)
                    throw new InvalidDataException($"{vocabulary}, {row}: {count} ids here, {peerCount} of the peer.");
                if (round < 0)
                    continue;
                own[row].Add(time);
                other[row].Add(peerTime);
            }
        }

        foreach (var (row, name, _) in Rows)
        {
            var ahead = own[row].Zip(other[row]).Count(pair => pair.First < pair.Second);
            Console.WriteLine($"| {vocabulary} | {name} | {Show(own[row])} | {Show(other[row])} | "
                + $"{Median(other[row]) / Median(own[row]):F1} | {ahead} of {Rounds} |");
        }
    }

    private static (double Milliseconds, int Count) Measure(HuggingFaceTokenizer tokenizer, byte[] json, string row, double seconds)
    {
        if (row == "first")
            tokenizer = new HuggingFaceTokenizer(TokenizerFile.Parse(json));
        var (ids, otherIds) = (new List<int>(), new List<int>());
        var times = new List<double>();
        var begun = Stopwatch.GetTimestamp();
        do
        {
            var started = Stopwatch.GetTimestamp();
            if (row == "load")
                _ = new HuggingFaceTokenizer(TokenizerFile.Parse(json));
            else if (row == "two")
                Parallel.Invoke(() => Encode(tokenizer, Material.LongText, otherIds), () => Encode(tokenizer, Material.LongText, ids));
            else
                Encode(tokenizer, Texts[row], ids);
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        while (Stopwatch.GetElapsedTime(begun).TotalSeconds < seconds);
        return (Median(times), ids.Count);
    }

    private static void Encode(HuggingFaceTokenizer tokenizer, string text, List<int> ids)
    {
        ids.Clear();
        tokenizer.Encode(text, UserRanges.None, addSpecialTokens: false, ids);
    }

    private static (double Milliseconds, int Count) Ask(Process peer, string vocabulary, string row, double seconds)
    {
        peer.StandardInput.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{vocabulary} {row} {seconds}"));
        var answer = peer.StandardOutput.ReadLine()
            ?? throw new InvalidOperationException("The peer ended; it needs `npm install tokenizers` in the current folder.");
        var parts = answer.Split(' ');
        return (double.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Show(List<double> values) => Median(values) < 1
        ? $"{1e3 * Median(values):F2} µs ({1e3 * values.Min():F2}–{1e3 * values.Max():F2})"
        : $"{Median(values):F2} ms ({values.Min():F2}–{values.Max():F2})";
}
