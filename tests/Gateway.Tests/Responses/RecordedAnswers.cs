using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Reading;
using Parley.Gateway.Responses.Templates;
using Parley.Gateway.Responses.Values;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Responses;

/// <summary>The answers of <c>responses/cases.json</c>, and what transformers 5.23 made of each.</summary>
internal static class RecordedAnswers
{
    private static readonly JsonObject File =
        (JsonObject)PythonJson.Parse(System.IO.File.ReadAllText(Shared.Fixture("responses/cases.json")))!;

    public static IEnumerable<JsonNode> Templates => File["templates"]!.AsArray()!;

    public static IEnumerable<JsonNode> Invalid => File["invalid"]!.AsArray()!;

    /// <summary>What our reader makes of an answer that comes in pieces; the message is null where it is refused.</summary>
    public static (JsonObject? Message, JsonArray Events) Read(JsonNode template, JsonNode answer, IEnumerable<string> pieces)
    {
        var parsed = ResponseTemplate.Read(template["template"]);
        var tools = answer["tools"]!.GetValue<bool>() && template["tools"] is JsonArray given ? new ToolSchemas(given) : ToolSchemas.None;
        var reader = new ResponseReader(parsed, tools);
        var events = new List<ResponseEvent>();
        reader.Read(parsed.Opening(answer["prefix"]!.GetValue<string>(), out _), events);
        foreach (var piece in pieces)
            reader.Read(piece, events);
        reader.Finish(events);
        try
        {
            var message = new ResponseMessage(parsed);
            foreach (var happened in events)
                message.Add(happened);
            return (message.Finish(), Written(events, reader.Text));
        }
        catch (ResponseFormatException)
        {
            return (null, []);
        }
    }

    /// <summary>A text with keys of objects in order and numbers as they are, so that two values can be compared.</summary>
    public static string Text(JsonNode? node) => node switch
    {
        null => "null",
        JsonObject members => "{" + string.Join(",", members.OrderBy(one => one.Key, StringComparer.Ordinal)
            .Select(one => JsonSerializer.Serialize(one.Key) + ":" + Text(one.Value))) + "}",
        JsonArray items => "[" + string.Join(",", items.Select(Text)) + "]",
        JsonValue value when value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<double>(out var number)
            && !value.TryGetValue<long>(out _) => number.ToString("R", System.Globalization.CultureInfo.InvariantCulture) + "f",
        JsonValue value when value.GetValueKind() == JsonValueKind.String => JsonSerializer.Serialize(value.GetValue<string>()),
        _ => node.ToJsonString(),
    };

    private static JsonArray Written(List<ResponseEvent> events, ReadOnlySpan<char> text)
    {
        var written = new JsonArray();
        foreach (var happened in events)
        {
            var field = happened.Field.Name;
            switch (happened)
            {
                case ResponseEvent.Opened:
                    written.Add(new JsonObject { ["type"] = "region_open", ["field"] = field });
                    break;
                case ResponseEvent.Chunk chunk when written[^1]!["type"]!.GetValue<string>() == "region_chunk":
                    written[^1]!["text"] = written[^1]!["text"]!.GetValue<string>() + text.Slice(chunk.At, chunk.Length).ToString();
                    break;
                case ResponseEvent.Chunk chunk:
                    written.Add(new JsonObject
                    {
                        ["type"] = "region_chunk",
                        ["field"] = field,
                        ["text"] = text.Slice(chunk.At, chunk.Length).ToString(),
                        ["dirty"] = !happened.Field.Content.IsStreamed,
                    });
                    break;
                case ResponseEvent.Closed closed:
                    written.Add(new JsonObject { ["type"] = "region_close", ["field"] = field, ["value"] = closed.Value?.DeepClone() });
                    break;
            }
        }

        return written;
    }
}
