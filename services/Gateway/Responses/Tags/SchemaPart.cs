using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Tags;

/// <summary>A schema within the schema of a function's arguments.</summary>
internal static class SchemaPart
{
    private const int StepsMax = 16;

    /// <summary>The schema by itself, with the definitions that it refers to.</summary>
    /// <exception cref="TagException">It refers to something else of its document.</exception>
    public static JsonNode Alone(JsonNode? schema, JsonObject root, Func<string, TagException> fault)
    {
        if (schema is not JsonObject node)
            return schema?.DeepClone() ?? new JsonObject();
        var references = new List<string>();
        Collect(node, references);
        var alone = node.DeepClone().AsObject();
        if (references.Count == 0)
            return alone;
        if (references.FirstOrDefault(one => DefinitionOf(one, root, out _) is null) is { } other)
            throw fault($"refers to '{other}'; only '#/$defs/…' and '#/definitions/…' can be enforced here");
        foreach (var name in (string[])["$defs", "definitions"])
        {
            if (root[name] is JsonObject definitions)
                alone[name] = definitions.DeepClone();
        }

        return alone;
    }

    /// <summary>What a schema is that is nothing but a reference to a definition.</summary>
    /// <exception cref="TagException">Its reference leads nowhere, or round.</exception>
    public static JsonNode? Resolved(JsonNode? schema, JsonObject root, Func<string, TagException> fault)
    {
        for (var step = 0; step < StepsMax; step++)
        {
            if (schema is not JsonObject node || PythonTruth.Text(node["$ref"]) is not { } reference)
                return schema;
            if (node.Any(member => member.Key != "$ref" && !ParameterList.Notes.Contains(member.Key)))
                throw fault("has keywords beside $ref, which cannot be enforced in this notation");
            schema = DefinitionOf(reference, root, out var found) is not null ? found
                : throw fault($"refers to '{reference}'; only '#/$defs/…' and '#/definitions/…' can be enforced here");
        }

        throw fault("refers to itself");
    }

    private static string? DefinitionOf(string reference, JsonObject root, out JsonNode? found)
    {
        found = null;
        var parts = reference.Split('/');
        return parts is ["#", "$defs" or "definitions", _] && root[parts[1]] is JsonObject definitions
            && definitions.TryGetPropertyValue(parts[2], out found) ? reference : null;
    }

    private static void Collect(JsonNode? node, List<string> references)
    {
        if (node is JsonObject map)
        {
            foreach (var (key, value) in map)
            {
                if (key == "$ref" && PythonTruth.Text(value) is { } reference)
                    references.Add(reference);
                else
                    Collect(value, references);
            }
        }
        else if (node is JsonArray list)
        {
            foreach (var item in list)
                Collect(item, references);
        }
    }
}
