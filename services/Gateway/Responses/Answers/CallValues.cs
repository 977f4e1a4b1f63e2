using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Answers;

/// <summary>The calls that the value of a region holds, and values as JSON text.</summary>
internal static class CallValues
{
    private static readonly JsonSerializerOptions Relaxed = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = 1000,
    };

    /// <summary>A value as JSON.</summary>
    /// <exception cref="ArgumentException">It holds a number that JSON has no word for.</exception>
    public static string Text(JsonNode? value) => value?.ToJsonString(Relaxed) ?? "null";

    public static string Quoted(string text) => JsonSerializer.Serialize(text, Relaxed);

    /// <summary>Name and arguments of each call; null where the value holds something else.</summary>
    public static IReadOnlyList<(string Name, string Arguments)>? Of(JsonNode? value)
    {
        var calls = new List<(string Name, string Arguments)>();
        foreach (var one in value is JsonArray list ? list : new JsonArray(value?.DeepClone()))
        {
            if ((one as JsonObject)?["function"] is not JsonObject function
                || PythonTruth.Text(function["name"]) is not { Length: > 0 } name)
            {
                return null;
            }

            try
            {
                switch (function["arguments"])
                {
                    case null:
                        calls.Add((name, "{}"));
                        break;
                    case JsonObject arguments:
                        calls.Add((name, Text(arguments)));
                        break;
                    case var other when PythonTruth.Text(other) is { } written && PythonJson.Parse(written) is JsonObject inner:
                        calls.Add((name, Text(inner)));
                        break;
                    default:
                        return null;
                }
            }
            catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or ResponseFormatException)
            {
                return null;
            }
        }

        return calls;
    }
}
