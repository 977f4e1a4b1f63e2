using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Formats;

/// <summary>One part of a call: a fixed text, the function's name, or its arguments in some notation.</summary>
internal sealed record CallPart(CallPartKind Kind)
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Of a fixed text; the mark around strings of a dialect.</summary>
    public string Text { get; init; } = "";

    /// <summary>Before the key of a tagged argument, between key and value, and behind it.</summary>
    public (string Before, string Middle, string After) Tags { get; init; }

    /// <exception cref="ResponseFormatException">It is no part of a call.</exception>
    public static CallPart Read(JsonObject node)
    {
        if (PythonTruth.Text(node["text"]) is { } text)
            return new CallPart(CallPartKind.Text) { Text = text };
        if (PythonTruth.Text(node["name"]) is { } name)
            return new CallPart(name == "json" ? CallPartKind.NameInJson : CallPartKind.Name);
        if (node["index"] is not null)
            return new CallPart(CallPartKind.Index);
        return PythonTruth.Text(node["arguments"]) switch
        {
            "json" => new CallPart(CallPartKind.JsonArguments),
            "tags" => new CallPart(CallPartKind.TaggedArguments) { Tags = (Of("before"), Of("middle"), Of("after")) },
            "dialect" => new CallPart(CallPartKind.DialectArguments) { Text = Of("quote") },
            "python" => new CallPart(CallPartKind.PythonArguments),
            var other => throw new ResponseFormatException($"a call's part is no text, name or arguments (it is '{other}')"),
        };

        string Of(string key) => PythonTruth.Text(node[key]) ?? throw new ResponseFormatException($"a call's part lacks '{key}'");
    }

    /// <summary>Writes the part for one call.</summary>
    public void Write(int index, string name, JsonObject arguments, StringBuilder text)
    {
        switch (Kind)
        {
            case CallPartKind.Text:
                text.Append(Text);
                break;
            case CallPartKind.Name:
                text.Append(name);
                break;
            case CallPartKind.NameInJson:
                text.Append(JsonSerializer.Serialize(name, Relaxed)[1..^1]);
                break;
            case CallPartKind.Index:
                text.Append(index);
                break;
            case CallPartKind.JsonArguments:
                text.Append(arguments.ToJsonString(Relaxed));
                break;
            case CallPartKind.TaggedArguments:
                foreach (var (key, value) in arguments)
                    text.Append(Tags.Before).Append(key).Append(Tags.Middle).Append(Plain(value)).Append(Tags.After);
                break;
            case CallPartKind.DialectArguments:
                WriteDialect(arguments, text);
                break;
            case CallPartKind.PythonArguments:
                text.AppendJoin(", ", arguments.Select(one => $"{one.Key}={Python(one.Value)}"));
                break;
        }
    }

    private static string Plain(JsonNode? value) => PythonTruth.Text(value) ?? value?.ToJsonString(Relaxed) ?? "null";

    private void WriteDialect(JsonNode? value, StringBuilder text)
    {
        switch (value)
        {
            case JsonObject node:
                text.Append('{');
                foreach (var (key, inner) in node)
                {
                    text.Append(text[^1] == '{' ? "" : ",").Append(key).Append(':');
                    WriteDialect(inner, text);
                }

                text.Append('}');
                break;
            case JsonArray list:
                text.Append('[');
                for (var index = 0; index < list.Count; index++)
                {
                    text.Append(index > 0 ? "," : "");
                    WriteDialect(list[index], text);
                }

                text.Append(']');
                break;
            default:
                text.Append(PythonTruth.Text(value) is { } one ? Text + one + Text : value?.ToJsonString(Relaxed) ?? "null");
                break;
        }
    }

    private static string Python(JsonNode? value) => value switch
    {
        null => "None",
        JsonObject node => "{" + string.Join(
            ", ", node.Select(one => $"{JsonSerializer.Serialize(one.Key, Relaxed)}: {Python(one.Value)}")) + "}",
        JsonArray list => "[" + string.Join(", ", list.Select(Python)) + "]",
        _ => value.GetValueKind() switch
        {
            JsonValueKind.True => "True",
            JsonValueKind.False => "False",
            _ => value.ToJsonString(Relaxed),
        },
    };
}
