using System.Text;
using System.Text.Json;

namespace Parley.Gateway.ResponsesApi;

/// <summary>One item of an answer while it is written.</summary>
internal sealed class OutputItem(OutputKind kind, string id, int index)
{
    public OutputKind Kind => kind;

    public string Id => id;

    /// <summary>Its place in the answer.</summary>
    public int Index => index;

    /// <summary>What is said or thought, or the arguments of a call.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>Of a call.</summary>
    public string CallId { get; init; } = "";

    /// <summary>Of the function that is called.</summary>
    public string Name { get; init; } = "";

    /// <summary>Of its tokens, where they are told.</summary>
    public List<OutputLogprob> Logprobs { get; } = [];

    /// <summary>Log-probabilities that no event has told yet.</summary>
    public List<OutputLogprob> Waiting { get; } = [];

    /// <summary>What is thought is also its own summary, for clients that read nothing else of thoughts.</summary>
    public bool HasSummary { get; init; }

    public string Status { get; set; } = "in_progress";

    /// <summary>It was no call after all: it is in no answer.</summary>
    public bool IsDropped { get; set; }

    /// <summary>Writes it, at its beginning without content.</summary>
    public void Write(Utf8JsonWriter json, bool withContent)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        switch (kind)
        {
            case OutputKind.Call:
                json.WriteString("type", "function_call");
                json.WriteString("status", withContent ? Status : "in_progress");
                json.WriteString("call_id", CallId);
                json.WriteString("name", Name);
                json.WriteString("arguments", withContent ? Text.ToString() : "");
                break;
            case OutputKind.Reasoning:
                json.WriteString("type", "reasoning");
                json.WriteString("status", withContent ? Status : "in_progress");
                json.WriteStartArray("summary");
                if (withContent && HasSummary)
                    WriteSummary(json, withContent: true);
                json.WriteEndArray();
                WriteContent(json, withContent);
                break;
            default:
                json.WriteString("type", "message");
                json.WriteString("status", withContent ? Status : "in_progress");
                json.WriteString("role", "assistant");
                WriteContent(json, withContent);
                break;
        }

        json.WriteEndObject();
    }

    /// <summary>Writes its one part.</summary>
    public void WritePart(Utf8JsonWriter json, bool withContent)
    {
        json.WriteStartObject();
        json.WriteString("type", kind == OutputKind.Reasoning ? "reasoning_text" : "output_text");
        json.WriteString("text", withContent ? Text.ToString() : "");
        if (kind == OutputKind.Message)
        {
            json.WriteStartArray("annotations");
            json.WriteEndArray();
            OutputLogprob.Write(json, withContent ? Logprobs : []);
        }

        json.WriteEndObject();
    }

    /// <summary>Writes the one part of its summary.</summary>
    public void WriteSummary(Utf8JsonWriter json, bool withContent)
    {
        json.WriteStartObject();
        json.WriteString("type", "summary_text");
        json.WriteString("text", withContent ? Text.ToString() : "");
        json.WriteEndObject();
    }

    private void WriteContent(Utf8JsonWriter json, bool withContent)
    {
        json.WriteStartArray("content");
        if (withContent)
            WritePart(json, withContent: true);
        json.WriteEndArray();
    }
}
