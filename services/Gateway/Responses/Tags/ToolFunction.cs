using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Tags;

/// <summary>A function that the model may call.</summary>
/// <param name="Index">Its place among the request's tools.</param>
/// <param name="Name">Its name.</param>
/// <param name="Parameters">The schema of its arguments; null where nothing is said, and there are none.</param>
/// <param name="IsStrict">Its arguments must meet the schema.</param>
internal sealed record ToolFunction(int Index, string Name, JsonObject? Parameters, bool IsStrict)
{
    private const int DepthMax = 256;

    /// <summary>Its arguments may be anything, where its format can say so.</summary>
    public bool IsFree { get; init; }

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = DepthMax, AllowDuplicateProperties = false };

    /// <summary>The functions among tools.</summary>
    /// <param name="toolsJson">Each <c>{"type": "function", "function": {…}}</c>, or the function alone.</param>
    /// <exception cref="TagException">A tool is no function, or its JSON has a key twice.</exception>
    public static IReadOnlyList<ToolFunction> Read(IReadOnlyList<string> toolsJson) => [.. toolsJson.Select(Read)];

    /// <summary>Their names, as far as they have any.</summary>
    public static IReadOnlyList<string> Names(IReadOnlyList<string> toolsJson)
    {
        var names = new List<string>();
        foreach (var tool in toolsJson)
        {
            try
            {
                using var document = JsonDocument.Parse(tool, new JsonDocumentOptions { MaxDepth = DepthMax });
                var function = document.RootElement;
                if (function.ValueKind == JsonValueKind.Object && function.TryGetProperty("function", out var inner))
                    function = inner;
                if (function.ValueKind == JsonValueKind.Object && function.TryGetProperty("name", out var name)
                    && name.ValueKind == JsonValueKind.String)
                {
                    names.Add(name.GetString()!);
                }
            }
            catch (Exception exception) when (exception is JsonException or InvalidOperationException)
            {
                // What is no JSON is told by whoever looks for that.
            }
        }

        return names;
    }

    private static ToolFunction Read(string json, int index)
    {
        JsonObject? tool;
        try
        {
            tool = JsonNode.Parse(json, documentOptions: Options) as JsonObject;
        }
        catch (JsonException exception)
        {
            throw new TagException(index, "", $"cannot be enforced: {exception.Message}");
        }

        var function = tool?["function"] as JsonObject ?? tool;
        if (PythonTruth.Text(function?["name"]) is not { Length: > 0 } name)
            throw new TagException(index, "", "cannot be enforced: it is no function with a name");
        var isStrict = function!["strict"] is JsonValue strict && strict.GetValueKind() == JsonValueKind.True;
        return new ToolFunction(index, name, function["parameters"] as JsonObject, isStrict);
    }
}
