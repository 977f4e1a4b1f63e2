using System.Text.Json;

namespace Parley.Gateway.ResponsesApi;

/// <summary>Writes items as <c>input_items</c> lists them and as they are kept.</summary>
internal static class ItemWriter
{
    public static void Write(Utf8JsonWriter json, ResponseItem item)
    {
        json.WriteStartObject();
        json.WriteString("id", item.Id);
        switch (item)
        {
            case ResponseItem.Message message:
                json.WriteString("type", "message");
                json.WriteString("status", "completed");
                json.WriteString("role", message.Role);
                WriteTexts(json, "content", message.Role == "assistant" ? "output_text" : "input_text", message.Texts);
                break;
            case ResponseItem.FunctionCall call:
                json.WriteString("type", "function_call");
                json.WriteString("status", "completed");
                json.WriteString("call_id", call.CallId);
                json.WriteString("name", call.Name);
                json.WriteString("arguments", call.Arguments);
                break;
            case ResponseItem.FunctionOutput output:
                json.WriteString("type", "function_call_output");
                json.WriteString("status", "completed");
                json.WriteString("call_id", output.CallId);
                if (output.Texts is [var only])
                    json.WriteString("output", only);
                else
                    WriteTexts(json, "output", "input_text", output.Texts);
                break;
            case ResponseItem.Compaction compaction:
                json.WriteString("type", "compaction");
                json.WriteString("encrypted_content", CompactedText.Write(compaction.Text));
                break;
            case ResponseItem.Reasoning reasoning:
                json.WriteString("type", "reasoning");
                WriteTexts(json, "summary", "summary_text", reasoning.Summary);
                WriteTexts(json, "content", "reasoning_text", reasoning.Texts);
                break;
        }

        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, string type, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteString("text", text);
            if (type == "output_text")
            {
                json.WriteStartArray("annotations");
                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
