using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Completions;

/// <summary>Writes the objects of one completion: its chunks, or the whole.</summary>
internal sealed class CompletionWriter(
    string id, long createdSeconds, UpstreamPairing pairing, CompletionRequest request, CompletionAnswers answers)
{
    /// <summary>A chunk of a stream.</summary>
    public void WritePart(Utf8JsonWriter json, CompletionPart part)
    {
        Open(json);
        WriteChoice(json, part);
        json.WriteEndArray();
        if (request.IncludeUsage)
            json.WriteNull("usage");
        json.WriteEndObject();
    }

    /// <summary>The last chunk where usage was asked for: no choices.</summary>
    public void WriteUsage(Utf8JsonWriter json)
    {
        Open(json);
        Close(json);
    }

    public void WriteWhole(Utf8JsonWriter json)
    {
        Open(json);
        foreach (var part in answers.Chosen())
            WriteChoice(json, part);
        Close(json);
    }

    private void Open(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("object", "text_completion");
        json.WriteNumber("created", createdSeconds);
        json.WriteString("model", answers.Model);
        json.WriteString("system_fingerprint", pairing.LastSeen?.Fingerprint(answers.Model) ?? "");
        json.WriteStartArray("choices");
    }

    private void Close(Utf8JsonWriter json)
    {
        json.WriteEndArray();
        var usage = answers.Usage;
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", usage.PromptTokens);
        json.WriteNumber("completion_tokens", usage.CompletionTokens);
        json.WriteNumber("total_tokens", usage.PromptTokens + usage.CompletionTokens);
        json.WriteStartObject("prompt_tokens_details");
        json.WriteNumber("cached_tokens", usage.CachedTokens);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteChoice(Utf8JsonWriter json, CompletionPart part)
    {
        json.WriteStartObject();
        json.WriteString("text", part.Text);
        json.WriteNumber("index", part.Index);
        WriteLogprobs(json, part.Tokens);
        json.WriteString("finish_reason",
            part.Finished is null ? null : part.Finished.Reason == ChatFinishReason.Length ? "length" : "stop");
        // What ended it: an extension that other servers have too.
        if (part.Finished?.Stop is { } stop)
            json.WriteString("stop_reason", stop);
        else if (part.Finished?.StopTokenId is { } stopId)
            json.WriteNumber("stop_reason", stopId);
        json.WriteEndObject();
    }

    private void WriteLogprobs(Utf8JsonWriter json, IReadOnlyList<CompletionToken> tokens)
    {
        if (request.Logprobs is null || tokens.Count == 0)
        {
            json.WriteNull("logprobs");
            return;
        }

        json.WriteStartObject("logprobs");
        json.WriteStartArray("tokens");
        foreach (var token in tokens)
            json.WriteStringValue(token.Token);
        json.WriteEndArray();
        json.WriteStartArray("token_logprobs");
        foreach (var token in tokens)
        {
            if (token.Logprob is { } logprob)
                json.WriteNumberValue(ChatCompletionWriter.Finite(logprob));
            else
                json.WriteNullValue();
        }

        json.WriteEndArray();
        json.WriteStartArray("top_logprobs");
        foreach (var token in tokens)
            WriteTop(json, token.Top);
        json.WriteEndArray();
        json.WriteStartArray("text_offset");
        foreach (var token in tokens)
            json.WriteNumberValue(token.Offset);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTop(Utf8JsonWriter json, IReadOnlyList<(string Token, float Logprob)>? top)
    {
        if (top is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        foreach (var (token, logprob) in top)
            json.WriteNumber(token, ChatCompletionWriter.Finite(logprob));
        json.WriteEndObject();
    }
}
