using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway;

/// <summary>
/// The messages of a chat and its answers as a span carries them where the settings allow it: JSON in the form of OpenTelemetry's
/// <c>gen_ai.input.messages</c> and <c>gen_ai.output.messages</c>, each with a bounded number of characters of text.
/// </summary>
internal sealed class ChatContent(ChatRequest request, int charactersMax)
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly SortedDictionary<uint, (StringBuilder Text, string Reason)> _answers = [];
    private int _answered;

    /// <summary>Text of an answer, as it comes.</summary>
    public void Add(uint choice, string text)
    {
        if (!_answers.TryGetValue(choice, out var answer))
            _answers[choice] = answer = (new StringBuilder(), "error");
        var left = charactersMax - _answered;
        answer.Text.Append(Take(text, ref left));
        _answered = charactersMax - left;
    }

    /// <summary>Why an answer ended.</summary>
    public void Finish(uint choice, string reason) =>
        _answers[choice] = (_answers.TryGetValue(choice, out var answer) ? answer.Text : new StringBuilder(), reason);

    public string Input() => Write(json =>
    {
        var left = charactersMax;
        if (request.Prompt is { Text: { } prompt })
        {
            json.WriteStartObject();
            json.WriteString("role", "user");
            json.WriteStartArray("parts");
            WritePart(json, Take(prompt, ref left));
            json.WriteEndArray();
            json.WriteEndObject();
        }

        foreach (var message in request.Conversation.Messages)
        {
            json.WriteStartObject();
            json.WriteString("role", message.Role);
            json.WriteStartArray("parts");
            if (message.ToolCallId is { } id)
                WriteToolResponse(json, id, Take(message.Content ?? string.Concat(message.Parts), ref left));
            else
                WriteTexts(json, message, ref left);
            foreach (var call in message.ToolCalls)
                WriteToolCall(json, call, ref left);
            json.WriteEndArray();
            json.WriteEndObject();
        }
    });

    public string Output() => Write(json =>
    {
        foreach (var (text, reason) in _answers.Values)
        {
            json.WriteStartObject();
            json.WriteString("role", "assistant");
            json.WriteStartArray("parts");
            WritePart(json, text.ToString());
            json.WriteEndArray();
            json.WriteString("finish_reason", reason);
            json.WriteEndObject();
        }
    });

    private static void WriteTexts(Utf8JsonWriter json, ChatMessage message, ref int left)
    {
        foreach (var text in message.Content is { } content ? [content] : message.Parts)
            WritePart(json, Take(text, ref left));
    }

    private static void WritePart(Utf8JsonWriter json, string text)
    {
        json.WriteStartObject();
        json.WriteString("type", "text");
        json.WriteString("content", text);
        json.WriteEndObject();
    }

    private static void WriteToolCall(Utf8JsonWriter json, ChatToolCall call, ref int left)
    {
        json.WriteStartObject();
        json.WriteString("type", "tool_call");
        json.WriteString("id", call.Id);
        json.WriteString("name", call.Name);
        json.WriteString("arguments", Take(call.ArgumentsJson, ref left));
        json.WriteEndObject();
    }

    private static void WriteToolResponse(Utf8JsonWriter json, string id, string response)
    {
        json.WriteStartObject();
        json.WriteString("type", "tool_call_response");
        json.WriteString("id", id);
        json.WriteString("response", response);
        json.WriteEndObject();
    }

    private static string Take(string text, ref int left)
    {
        var kept = Math.Min(text.Length, left);
        left -= kept;
        // Half of a character is none.
        return kept > 0 && kept < text.Length && char.IsHighSurrogate(text[kept - 1]) ? text[..(kept - 1)] : text[..kept];
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, Plain))
        {
            json.WriteStartArray();
            write(json);
            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }
}
