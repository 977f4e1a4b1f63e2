using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Parley.Client.Requests;

/// <summary>
/// A schema whose objects hold the properties that they name and no others. That is what a type's schema means and does not say: left
/// open, a model may write members that nobody reads until its tokens are used up.
/// </summary>
internal static class ClosedSchema
{
    private static readonly AIJsonSchemaTransformOptions Closing = new() { DisallowAdditionalProperties = true };

    /// <summary>Keywords with which a schema says itself, or from several places, what else an object holds.</summary>
    private static readonly string[] Composing =
        ["allOf", "not", "if", "dependentSchemas", "dependencies", "patternProperties", "propertyNames", "unevaluatedProperties"];

    private static readonly string[] Branches = ["anyOf", "oneOf", "$ref", "$dynamicRef"];

    public static JsonElement Of(JsonElement schema) => IsComposed(schema) ? schema : AIJsonUtilities.TransformSchema(schema, Closing);

    /// <summary>Whether closing one object could forbid what another part of the schema asks for.</summary>
    private static bool IsComposed(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => Composing.Any(name => element.TryGetProperty(name, out _))
            || (element.TryGetProperty("properties", out _) && Branches.Any(name => element.TryGetProperty(name, out _)))
            || element.EnumerateObject().Any(member => member.Name switch
            {
                "properties" or "$defs" or "definitions" => Any(member.Value, IsComposed),
                "enum" or "const" or "default" or "examples" => false,
                _ => IsComposed(member.Value),
            }),
        JsonValueKind.Array => element.EnumerateArray().Any(IsComposed),
        _ => false,
    };

    /// <summary>Members whose names are the caller's, not keywords.</summary>
    private static bool Any(JsonElement named, Func<JsonElement, bool> holds) =>
        named.ValueKind == JsonValueKind.Object && named.EnumerateObject().Any(member => holds(member.Value));
}
