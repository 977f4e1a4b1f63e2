using System.Buffers;
using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ResponsesApi;

/// <summary>Writes the response object in each of its states, and the entry that is kept of it.</summary>
internal sealed class ResponseWriter(ResponseRequest request, string model, long createdSeconds)
{
    /// <summary>What a field is where the request does not say.</summary>
    private static readonly (string Name, string Default)[] Repeated =
    [
        ("max_output_tokens", "null"), ("max_tool_calls", "null"), ("metadata", "{}"), ("parallel_tool_calls", "true"),
        ("temperature", "null"), ("text", """{"format":{"type":"text"}}"""), ("tool_choice", "\"auto\""), ("tools", "[]"),
        ("top_logprobs", "0"), ("top_p", "null"), ("truncation", "\"disabled\""),
    ];

    /// <summary>Whether it says that it is kept.</summary>
    public bool IsKept { get; set; } = request.Store;

    /// <param name="json">Where to.</param>
    /// <param name="status"><c>in_progress</c>, <c>completed</c>, <c>incomplete</c>, <c>failed</c> or <c>cancelled</c>.</param>
    /// <param name="output">The answer, once it is over.</param>
    /// <param name="error">Why it failed.</param>
    public void Write(Utf8JsonWriter json, string status, ResponseOutput? output, ChatError? error = null)
    {
        json.WriteStartObject();
        json.WriteString("id", request.Id);
        json.WriteString("object", "response");
        json.WriteNumber("created_at", createdSeconds);
        json.WriteString("status", status);
        json.WriteBoolean("background", false);
        WriteError(json, error);
        if (status == "incomplete")
        {
            json.WriteStartObject("incomplete_details");
            json.WriteString("reason", "max_output_tokens");
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("incomplete_details");
        }

        json.WriteString("instructions", request.Instructions);
        json.WriteString("model", model);
        json.WriteStartArray("output");
        foreach (var item in output?.Items ?? [])
            item.Write(json, withContent: true);
        json.WriteEndArray();
        json.WriteString("previous_response_id", request.PreviousResponseId);
        json.WriteStartObject("reasoning");
        json.WriteString("effort", request.ReasoningEffort);
        json.WriteString("summary", request.ReasoningSummary);
        json.WriteEndObject();
        json.WriteString("service_tier", request.ServiceTier);
        json.WriteBoolean("store", IsKept);
        foreach (var (name, value) in Repeated)
        {
            json.WritePropertyName(name);
            json.WriteRawValue(request.Repeated.TryGetValue(name, out var given) && given is not ("null" or "{}") ? given : value,
                skipInputValidation: true);
        }

        WriteUsage(json, status is "in_progress" or "failed" or "cancelled" ? null : output);
        json.WriteString("user", request.User);
        json.WriteEndObject();
    }

    /// <summary>The entry of a response that ended.</summary>
    /// <param name="owner">Who may ask for it.</param>
    /// <param name="response">The object as JSON.</param>
    public byte[] Entry(string owner, ReadOnlyMemory<byte> response)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ChatCompletionWriter.JsonOptions))
        {
            json.WriteStartObject();
            json.WriteString("owner", owner);
            json.WriteStartArray("items");
            foreach (var item in request.Items)
                ItemWriter.Write(json, item);
            json.WriteEndArray();
            json.WritePropertyName("response");
            json.WriteRawValue(response.Span, skipInputValidation: true);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteError(Utf8JsonWriter json, ChatError? error)
    {
        if (error is null)
        {
            json.WriteNull("error");
            return;
        }

        var told = OpenAiError.From(FieldNames.Rename(error, ResponseNames.Of));
        json.WriteStartObject("error");
        // The API has few codes for this place; those of ours are in the message's own error.
        json.WriteString("code", error.Kind == ChatErrorKind.Overloaded ? "rate_limit_exceeded"
            : error.Kind == ChatErrorKind.InvalidRequest ? "invalid_prompt" : "server_error");
        json.WriteString("message", told.Message);
        json.WriteEndObject();
    }

    private static void WriteUsage(Utf8JsonWriter json, ResponseOutput? output)
    {
        if (output is null)
        {
            json.WriteNull("usage");
            return;
        }

        WriteUsage(json, output.Usage);
    }

    public static void WriteUsage(Utf8JsonWriter json, ChatUsage usage)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("input_tokens", usage.PromptTokens);
        json.WriteStartObject("input_tokens_details");
        json.WriteNumber("cached_tokens", usage.CachedTokens);
        json.WriteEndObject();
        json.WriteNumber("output_tokens", usage.CompletionTokens);
        json.WriteStartObject("output_tokens_details");
        json.WriteNumber("reasoning_tokens", usage.ReasoningTokens);
        json.WriteEndObject();
        json.WriteNumber("total_tokens", usage.PromptTokens + usage.CompletionTokens);
        json.WriteEndObject();
    }
}
