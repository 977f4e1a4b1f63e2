using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Templates;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Answers;

/// <summary>Where in the JSON of a region a call has its name and its arguments, as far as the field's transform says.</summary>
/// <param name="IsList">The region is a list of calls.</param>
/// <param name="NameKey">The key of the name; null where the opening delimiter has captured it.</param>
/// <param name="NameCapture">The capture that is the name; null where a key is.</param>
/// <param name="ArgumentsKey">The key of the arguments; null where the whole region is them.</param>
internal sealed record CallShape(bool IsList, string? NameKey, string? NameCapture, string? ArgumentsKey)
{
    /// <summary>Null where the arguments can be told at the region's end only.</summary>
    public static CallShape? Of(ResponseField field)
    {
        if ((field.Transform as JsonObject)?["function"] is not { } function)
            return null;
        if (Path(function) is ["content"] && !field.TransformsEach)
            return new CallShape(false, "name", null, "arguments");
        if (function is not JsonObject node || Path(node["name"]) is not { } name || Path(node["arguments"]) is not { } arguments)
            return null;
        if (field.TransformsEach)
            return name.Length == 1 && arguments.Length == 1 ? new CallShape(true, name[0], null, arguments[0]) : null;
        var key = arguments is ["content"] ? null : arguments is ["content", var written] ? written : "";
        if (key == "")
            return null;
        return name switch
        {
            ["content"] => null,
            ["content", var inner] => key is null ? null : new CallShape(false, inner, null, key),
            [var capture] => new CallShape(false, null, capture, key),
            _ => null,
        };
    }

    private static string[]? Path(JsonNode? node) => PythonTruth.Text(node) is { } text ? ResponseTransform.Placeholder(text) : null;
}
