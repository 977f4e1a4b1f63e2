using System.Text.Json;
using System.Text.Json.Nodes;

namespace Parley.Gateway.Responses.Tags;

/// <summary>Which function's schema a place in a structural tag is: callers know their tools, not what was made of them.</summary>
internal static class TagPlaces
{
    private const int DepthMax = 512;

    /// <summary>Finds the function, or one of its arguments.</summary>
    /// <param name="tag">The tag.</param>
    /// <param name="pointer">JSON pointer to a schema in it.</param>
    /// <param name="functions">What the tag was made of.</param>
    /// <returns>The function's place among the tools and that of the schema in it; null where it is no function's.</returns>
    public static (int Tool, string Place)? Find(string tag, string pointer, IReadOnlyList<ToolFunction> functions)
    {
        if (SchemaAt(tag, pointer) is not { } schema)
            return null;
        foreach (var function in functions)
        {
            if (function.Parameters is not { } parameters)
                continue;
            if (Tried(() => CallTags.JsonArguments(function)) is { } whole && JsonNode.DeepEquals(schema, whole))
                return (function.Index, ".function.parameters");
            foreach (var (name, argument) in parameters["properties"] as JsonObject ?? [])
            {
                if (Tried(() => SchemaPart.Alone(argument, parameters, Fault)) is { } alone && JsonNode.DeepEquals(schema, alone))
                    return (function.Index, $".function.parameters.properties.{name}");
            }
        }

        return null;
    }

    private static JsonNode? SchemaAt(string tag, string pointer)
    {
        var node = JsonNode.Parse(tag, documentOptions: new JsonDocumentOptions { MaxDepth = DepthMax });
        foreach (var step in pointer.Split('/').Skip(1))
        {
            node = node switch
            {
                JsonObject map => map[step],
                JsonArray list when int.TryParse(step, out var index) && index < list.Count => list[index],
                _ => null,
            };
        }

        return node;
    }

    private static TagException Fault(string message) => new(0, "", message);

    /// <summary>Null for a function that another notation enforces otherwise.</summary>
    private static JsonNode? Tried(Func<JsonNode> write)
    {
        try
        {
            return write();
        }
        catch (TagException)
        {
            return null;
        }
    }
}
