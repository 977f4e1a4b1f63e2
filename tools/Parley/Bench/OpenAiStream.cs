using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;

namespace Parley.Cli.Bench;

/// <summary>One streamed chat completion against any OpenAI-compatible server, timed chunk by chunk.</summary>
internal sealed class OpenAiStream(HttpClient client, Uri endpoint, string model)
{
    /// <summary>Sends a prompt and reads the answer to its end.</summary>
    public async Task<StreamTimes> RunAsync(string prompt, int maxTokens, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Post, endpoint)
        {
            Content = JsonContent.Create(new
            {
                model,
                messages = new[] { new { role = "user", content = prompt } },
                max_tokens = maxTokens,
                temperature = 0,
                ignore_eos = true,
                stream = true,
                stream_options = new { include_usage = true },
            }),
        };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
            return Failed($"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}");

        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        return await ReadAsync(reader, started, cancellationToken);
    }

    private static async Task<StreamTimes> ReadAsync(StreamReader reader, long started, CancellationToken cancellationToken)
    {
        double first = 0, last = 0;
        var gaps = new List<double>();
        var chunks = 0;
        int? tokens = null;
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal))
                continue;
            if (line == "data: [DONE]")
                return new StreamTimes(first, last, gaps, tokens ?? chunks, null);
            using var document = JsonDocument.Parse(line.AsMemory(6));
            if (document.RootElement.TryGetProperty("error", out var error))
                return Failed(error.GetRawText());
            if (document.RootElement.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object)
                tokens = usage.GetProperty("completion_tokens").GetInt32();
            if (!HasText(document.RootElement))
                continue;
            var now = Stopwatch.GetElapsedTime(started).TotalSeconds;
            if (chunks++ == 0)
                first = now;
            else
                gaps.Add(now - last);
            last = now;
        }

        return Failed("the stream ended without [DONE]");
    }

    private static bool HasText(JsonElement chunk) =>
        chunk.TryGetProperty("choices", out var choices) && choices.GetArrayLength() > 0
        && choices[0].TryGetProperty("delta", out var delta)
        && delta.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String && content.GetString()!.Length > 0;

    private static StreamTimes Failed(string reason) => new(0, 0, [], 0, reason);
}
