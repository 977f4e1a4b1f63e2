using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Anthropic;

/// <summary>Writes the objects of one message: the whole, or those of its events.</summary>
/// <param name="id">Of the message.</param>
/// <param name="model">Served name.</param>
/// <param name="request">What was asked for.</param>
internal sealed class MessageWriter(string id, string model, MessagesRequest request)
{
    private const int SignatureBytes = 16;

    public void WriteWhole(Utf8JsonWriter json, ChatCompletionResult result)
    {
        var answer = result.Choices[0];
        OpenMessage(json);
        json.WriteStartArray("content");
        if (request.TellsThinking && answer.Reasoning.Length > 0)
        {
            json.WriteStartObject();
            json.WriteString("type", "thinking");
            json.WriteString("thinking", answer.Reasoning.ToString());
            json.WriteString("signature", Sign(answer.Reasoning.ToString()));
            json.WriteEndObject();
        }

        if (answer.Text.Length > 0)
        {
            json.WriteStartObject();
            json.WriteString("type", "text");
            json.WriteString("text", answer.Text.ToString());
            json.WriteNull("citations");
            json.WriteEndObject();
        }

        foreach (var (callId, name, arguments) in answer.Calls.Values)
        {
            json.WriteStartObject();
            WriteCall(json, callId, name);
            json.WritePropertyName("input");
            json.WriteRawValue(arguments.Length > 0 ? arguments.ToString() : "{}");
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteStop(json, answer.Finished);
        json.WritePropertyName("usage");
        WriteUsage(json, result.Completed.Usage);
        json.WriteEndObject();
    }

    /// <summary><c>message_start</c>: a message without content; how much of its prompt was in the cache is told at the end.</summary>
    public void WriteStart(Utf8JsonWriter json, uint promptTokens)
    {
        OpenEvent(json, "message_start");
        json.WritePropertyName("message");
        OpenMessage(json);
        json.WriteStartArray("content");
        json.WriteEndArray();
        WriteStop(json, null);
        json.WritePropertyName("usage");
        WriteUsage(json, new ChatUsage(promptTokens, 0, 0));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    public static void WriteTextStart(Utf8JsonWriter json, int index)
    {
        OpenBlock(json, index);
        json.WriteString("type", "text");
        json.WriteString("text", "");
        json.WriteNull("citations");
        CloseBlock(json);
    }

    public static void WriteThinkingStart(Utf8JsonWriter json, int index)
    {
        OpenBlock(json, index);
        json.WriteString("type", "thinking");
        json.WriteString("thinking", "");
        json.WriteString("signature", "");
        CloseBlock(json);
    }

    public static void WriteCallStart(Utf8JsonWriter json, int index, string callId, string name)
    {
        OpenBlock(json, index);
        WriteCall(json, callId, name);
        json.WriteStartObject("input");
        json.WriteEndObject();
        CloseBlock(json);
    }

    /// <summary><c>content_block_delta</c>.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="index">Of the block.</param>
    /// <param name="type">E.g. <c>text_delta</c>.</param>
    /// <param name="key">Where that type holds its text.</param>
    /// <param name="text">What is new.</param>
    public static void WriteDelta(Utf8JsonWriter json, int index, string type, string key, string text)
    {
        OpenEvent(json, "content_block_delta");
        json.WriteNumber("index", index);
        json.WriteStartObject("delta");
        json.WriteString("type", type);
        json.WriteString(key, text);
        CloseBlock(json);
    }

    public static void WriteBlockStop(Utf8JsonWriter json, int index)
    {
        OpenEvent(json, "content_block_stop");
        json.WriteNumber("index", index);
        json.WriteEndObject();
    }

    /// <summary><c>message_delta</c>: why it ended, and what it took.</summary>
    public void WriteEnd(Utf8JsonWriter json, ChatUpdate.ChoiceFinished? finished, ChatUsage usage)
    {
        OpenEvent(json, "message_delta");
        json.WriteStartObject("delta");
        WriteStop(json, finished);
        json.WriteNull("container");
        json.WriteEndObject();
        json.WritePropertyName("usage");
        WriteUsage(json, usage);
        json.WriteEndObject();
    }

    public static void WriteMessageStop(Utf8JsonWriter json)
    {
        OpenEvent(json, "message_stop");
        json.WriteEndObject();
    }

    /// <summary>
    /// Clients send a thought back only with a signature. Nobody checks this one: what they send is the template's to use or to leave.
    /// </summary>
    public static string Sign(string thinking) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(thinking)).AsSpan(0, SignatureBytes));

    private static void OpenEvent(Utf8JsonWriter json, string type)
    {
        json.WriteStartObject();
        json.WriteString("type", type);
    }

    private static void OpenBlock(Utf8JsonWriter json, int index)
    {
        OpenEvent(json, "content_block_start");
        json.WriteNumber("index", index);
        json.WriteStartObject("content_block");
    }

    private static void CloseBlock(Utf8JsonWriter json)
    {
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteCall(Utf8JsonWriter json, string callId, string name)
    {
        json.WriteString("type", "tool_use");
        json.WriteString("id", callId);
        json.WriteString("name", name);
        json.WriteStartObject("caller");
        json.WriteString("type", "direct");
        json.WriteEndObject();
    }

    private void OpenMessage(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("type", "message");
        json.WriteString("role", "assistant");
        json.WriteString("model", model);
        json.WriteNull("container");
        json.WriteNull("diagnostics");
    }

    /// <summary>A stop string counts where the request named it; one that the model has by itself is an end like any other.</summary>
    private void WriteStop(Utf8JsonWriter json, ChatUpdate.ChoiceFinished? finished)
    {
        var stop = finished is { Reason: ChatFinishReason.Stop, Stop: { } text } && request.Chat.Stop.Contains(text) ? text : null;
        json.WriteString("stop_reason", finished?.Reason switch
        {
            null => null,
            ChatFinishReason.Length => "max_tokens",
            ChatFinishReason.ToolCalls => "tool_use",
            _ when stop is not null => "stop_sequence",
            _ => "end_turn",
        });
        json.WriteString("stop_sequence", stop);
        json.WriteNull("stop_details");
    }

    /// <summary>Anthropic counts apart what was read from the cache.</summary>
    private static void WriteUsage(Utf8JsonWriter json, ChatUsage usage)
    {
        json.WriteStartObject();
        json.WriteNumber("input_tokens", usage.PromptTokens - Math.Min(usage.CachedTokens, usage.PromptTokens));
        json.WriteNull("cache_creation");
        json.WriteNumber("cache_creation_input_tokens", 0);
        json.WriteNumber("cache_read_input_tokens", usage.CachedTokens);
        json.WriteNumber("output_tokens", usage.CompletionTokens);
        json.WriteStartObject("output_tokens_details");
        json.WriteNumber("thinking_tokens", usage.ReasoningTokens);
        json.WriteEndObject();
        json.WriteNull("server_tool_use");
        json.WriteString("service_tier", "standard");
        json.WriteNull("inference_geo");
        json.WriteNull("speed");
        json.WriteEndObject();
    }
}
