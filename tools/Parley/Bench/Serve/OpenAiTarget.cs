using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Parley.Cli.Bench.Serve;

/// <summary>Any server that speaks OpenAI's chat completions with server-sent events.</summary>
internal sealed class OpenAiTarget : IChatTarget
{
    private readonly HttpClient _client;
    private readonly Uri _endpoint;
    private readonly ChatRequestSettings _settings;

    private OpenAiTarget(HttpClient client, Uri endpoint, ChatRequestSettings settings)
    {
        _client = client;
        _endpoint = endpoint;
        _settings = settings;
    }

    /// <summary>Asks the server for its model, unless one is named.</summary>
    /// <param name="baseUrl">With or without <c>/v1</c>.</param>
    /// <param name="settings">What every request asks for.</param>
    /// <param name="apiKey">Sent as bearer token; null sends none.</param>
    /// <param name="handler">Replaces the network; for tests.</param>
    /// <param name="cancellationToken">Ends the asking.</param>
    /// <exception cref="UserErrorException">Nothing answers there, or it is no such server.</exception>
    public static async Task<OpenAiTarget> ConnectAsync(
        Uri baseUrl, ChatRequestSettings settings, string? apiKey, HttpMessageHandler? handler, CancellationToken cancellationToken)
    {
        var root = baseUrl.AbsoluteUri.TrimEnd('/');
        if (!root.EndsWith("/v1", StringComparison.Ordinal))
            root += "/v1";
        // Requests are bounded by the load's own time limit; a connection for each stream, made once.
        var client = new HttpClient(handler ?? new SocketsHttpHandler { PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (apiKey is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
        try
        {
            if (settings.Model.Length == 0)
                settings = settings with { Model = await FirstModelAsync(client, new Uri(root + "/models"), cancellationToken) };
            return new OpenAiTarget(client, new Uri(root + "/chat/completions"), settings);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public async Task<ChatAnswer> RunAsync(string prompt, int tokensMax, StreamClock clock, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint);
            request.Content = JsonContent.Create(Body(prompt, tokensMax));
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                var body = await response.Content.ReadAsStringAsync(cancellationToken);
                return ChatAnswer.Failed($"http {(int)response.StatusCode}", body);
            }

            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            return await ReadAsync(stream, clock, cancellationToken);
        }
        catch (HttpRequestException exception)
        {
            return ChatAnswer.Failed("connection", exception.Message);
        }
        catch (IOException exception)
        {
            return ChatAnswer.Failed("stream cut", exception.Message);
        }
        catch (JsonException exception)
        {
            return ChatAnswer.Failed("not json", exception.Message);
        }
    }

    public void Dispose() => _client.Dispose();

    private static async Task<string> FirstModelAsync(HttpClient client, Uri models, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await client.GetFromJsonAsync<JsonElement>(models, cancellationToken);
            return answer.GetProperty("data")[0].GetProperty("id").GetString()!;
        }
        catch (HttpRequestException exception) when (exception.StatusCode == HttpStatusCode.Unauthorized)
        {
            throw new UserErrorException($"--api-key: {models} needs a key, or another one.");
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or KeyNotFoundException
            or InvalidOperationException or IndexOutOfRangeException)
        {
            throw new UserErrorException($"--url: {models} does not list a model ({exception.Message}); name one with --served-model.");
        }
    }

    private JsonObject Body(string prompt, int tokensMax)
    {
        var body = new JsonObject
        {
            ["model"] = _settings.Model,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = prompt }),
            ["max_tokens"] = tokensMax,
            ["stream"] = true,
            ["stream_options"] = new JsonObject { ["include_usage"] = true },
        };
        if (_settings.Temperature is { } temperature)
            body["temperature"] = temperature;
        if (_settings.IgnoreEos)
            body["ignore_eos"] = true;
        if (_settings.DraftTokens is { } draftTokens)
            body["draft_tokens"] = draftTokens;
        return body;
    }

    private static async Task<ChatAnswer> ReadAsync(Stream stream, StreamClock clock, CancellationToken cancellationToken)
    {
        var usage = default(OpenAiChunk);
        await foreach (var item in SseParser.Create(stream, static (_, data) => OpenAiChunk.Read(data))
            .EnumerateAsync(cancellationToken))
        {
            var chunk = item.Data;
            if (chunk.IsDone)
                return new ChatAnswer(usage.PromptTokens, usage.CachedTokens, usage.HasUsage ? usage.CompletionTokens : null);
            if (chunk.Error is { } error)
                return ChatAnswer.Failed("error event", error);
            if (chunk.HasUsage)
                usage = chunk;
            if (chunk.HasText)
                clock.Arrived(1);
            if (chunk.HasFinished)
                clock.Finished();
        }

        return ChatAnswer.Failed("stream cut", "The stream ended without [DONE].");
    }
}
