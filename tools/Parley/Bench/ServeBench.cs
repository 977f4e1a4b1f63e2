using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Parley.Cli.Hosting;
using Spectre.Console;

namespace Parley.Cli.Bench;

/// <summary><c>parley bench serve</c>: a closed-loop load of streamed chats against an OpenAI-compatible server.</summary>
internal static class ServeBench
{
    /// <summary>Words of the made-up prompts; about one token each with usual vocabularies.</summary>
    private static readonly string[] Words =
        ["river", "stone", "light", "green", "house", "table", "music", "paper", "cloud", "north", "seven", "horse"];

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    public static Command CreateCommand(IAnsiConsole console)
    {
        var url = AddressOption.Create("--url", $"Base URL of the server; http://127.0.0.1:{UpCommand.DefaultHttpPort} without it.");
        var streams = new Option<int[]>("--streams")
        {
            Description = "Load levels.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [1, 8],
        };
        var requests = new Option<int>("--requests") { Description = "Requests per stream.", DefaultValueFactory = _ => 2 };
        var words = new Option<int>("--prompt-words") { Description = "Words of each prompt.", DefaultValueFactory = _ => 64 };
        var maxTokens = new Option<int>("--max-tokens") { Description = "Tokens of each answer.", DefaultValueFactory = _ => 64 };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("serve", "Load on a running server: time to first token, pauses, tokens per second.")
        {
            url, streams, requests, words, maxTokens, json,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
            var baseUrl = result.GetValue(url) ?? new Uri($"http://127.0.0.1:{UpCommand.DefaultHttpPort}");
            var model = await ModelAsync(client, baseUrl, cancellationToken);
            var stream = new OpenAiStream(client, new Uri(baseUrl, "/v1/chat/completions"), model);
            var load = new ServeLoad(result.GetValue(requests), result.GetValue(words), result.GetValue(maxTokens));
            await stream.RunAsync(Prompt(0, 8), 8, cancellationToken);
            var levels = new List<ServeResult>();
            foreach (var level in result.GetRequiredValue(streams))
            {
                levels.Add(await RunLevelAsync(stream, level, load, cancellationToken));
                if (!result.GetValue(json))
                    console.MarkupLine($"[grey]{level} streams done[/]");
            }

            if (result.GetValue(json))
                Console.Out.WriteLine(JsonSerializer.Serialize(levels, Json));
            else
                Write(console, levels);
            return levels.Any(level => level.Failures > 0) ? 1 : 0;
        });
        return command;
    }

    private static async Task<string> ModelAsync(HttpClient client, Uri baseUrl, CancellationToken cancellationToken)
    {
        var models = await client.GetFromJsonAsync<JsonElement>(new Uri(baseUrl, "/v1/models"), cancellationToken);
        return models.GetProperty("data")[0].GetProperty("id").GetString()!;
    }

    private static async Task<ServeResult> RunLevelAsync(
        OpenAiStream stream, int streams, ServeLoad load, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var all = await Task.WhenAll(Enumerable.Range(0, streams).Select(async worker =>
        {
            var times = new List<StreamTimes>();
            for (var i = 0; i < load.RequestsPerStream; i++)
            {
                // Every prompt differs from its first word on, so that no cache of prefixes helps.
                var prompt = Prompt((worker * 7919) + (i * 104729) + streams, load.PromptWords);
                times.Add(await stream.RunAsync(prompt, load.AnswerTokensMax, cancellationToken));
            }

            return times;
        }));
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return Summarize(streams, [.. all.SelectMany(times => times)], seconds);
    }

    private static ServeResult Summarize(int streams, IReadOnlyList<StreamTimes> times, double seconds)
    {
        var good = times.Where(time => time.Failure is null).ToList();
        foreach (var failure in times.Where(time => time.Failure is not null).Select(time => time.Failure).Distinct())
            Console.Error.WriteLine($"failed: {failure}");
        var tokens = good.Sum(time => (long)time.Tokens);
        var rates = good.Where(time => time is { Tokens: > 1 } && time.LastToken > time.FirstToken)
            .Select(time => (time.Tokens - 1) / (time.LastToken - time.FirstToken)).ToList();
        var first = good.Select(time => time.FirstToken * 1000).Order().ToList();
        var gaps = good.SelectMany(time => time.Gaps).Select(gap => gap * 1000).Order().ToList();
        return new ServeResult(streams, good.Count, times.Count - good.Count, tokens, seconds, tokens / seconds,
            rates.Count == 0 ? 0 : rates.Average() * streams, Percentile(first, 0.5), Percentile(first, 0.95),
            Percentile(gaps, 0.5), Percentile(gaps, 0.95), Percentile(gaps, 0.99));
    }

    private static double Percentile(List<double> sorted, double share) =>
        sorted.Count == 0 ? 0 : sorted[Math.Min(sorted.Count - 1, (int)(share * sorted.Count))];

    private static string Prompt(int seed, int words)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        for (var i = 0; i < words; i++)
            text.Append(i == 0 ? "" : " ").Append(Words[random.Next(Words.Length)]);
        return text.ToString();
    }

    private static void Write(IAnsiConsole console, IEnumerable<ServeResult> levels)
    {
        var table = new Table().AddColumns(
            "streams", "done", "failed", "tok/s", "decode tok/s", "TTFT p50", "p95 ms", "pause p50", "p95", "p99 ms");
        foreach (var level in levels)
        {
            table.AddRow(Number(level.Streams), Number(level.Requests), Number(level.Failures), Number(level.TokensPerSecond),
                Number(level.DecodeTokensPerSecond), Number(level.FirstTokenP50Ms), Number(level.FirstTokenP95Ms),
                Number(level.InterTokenP50Ms), Number(level.InterTokenP95Ms), Number(level.InterTokenP99Ms));
        }

        console.Write(table);
    }

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
