using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

namespace Parley.Gateway.Tests.ApiDescription;

/// <summary>The document that a Gateway serves, and its components as schemas to validate by.</summary>
internal sealed class DescribedApi
{
    private readonly JsonObject _definitions;
    private readonly Dictionary<string, JsonSchema> _schemas = [];

    private DescribedApi(JsonObject document)
    {
        Document = document;
        var text = document["components"]!["schemas"]!.ToJsonString()
            .Replace("#/components/schemas/", "#/$defs/", StringComparison.Ordinal);
        _definitions = JsonNode.Parse(text)!.AsObject();
        // A word of OpenAPI's kind, which schemas by themselves do not have.
        foreach (var (_, schema) in _definitions)
        {
            foreach (var (_, property) in schema!["properties"] as JsonObject ?? [])
                property!.AsObject().Remove("x-other-servers");
        }
    }

    public JsonObject Document { get; }

    public static async Task<DescribedApi> ReadAsync(HttpClient http) =>
        new(JsonNode.Parse(await http.GetStringAsync("/openapi.json"))!.AsObject());

    /// <summary>Every operation: method in capitals, path, and the node.</summary>
    public IEnumerable<(string Method, string Path, JsonObject Operation)> Operations() =>
        from path in Document["paths"]!.AsObject()
        from method in path.Value!.AsObject()
        select (method.Key.ToUpperInvariant(), path.Key, method.Value!.AsObject());

    public JsonObject Operation(string method, string path) => Document["paths"]![path]![method.ToLowerInvariant()]!.AsObject();

    /// <summary>The properties of a component.</summary>
    public JsonObject Properties(string component) => Document["components"]!["schemas"]![component]!["properties"]!.AsObject();

    /// <summary>Whether a value is what a component says.</summary>
    public bool Takes(string component, JsonElement value, bool isClosed = false) =>
        SchemaOf(component, isClosed).Evaluate(value, new EvaluationOptions { OutputFormat = OutputFormat.Flag }).IsValid;

    /// <summary>The first places where a value is not what a component says; empty where it is.</summary>
    /// <param name="component">Its name.</param>
    /// <param name="value">The value.</param>
    /// <param name="isClosed">Whether a member that is not described is a fault.</param>
    public string FaultsOf(string component, JsonElement value, bool isClosed = false)
    {
        // What is wrong is looked for only where something is: it takes far longer.
        if (Takes(component, value, isClosed))
            return "";
        var result = SchemaOf(component, isClosed).Evaluate(value, new EvaluationOptions { OutputFormat = OutputFormat.List });
        return string.Join("; ", (result.Details ?? []).Where(detail => detail.Errors is { Count: > 0 }).Take(4)
            .Select(detail => $"{detail.InstanceLocation}: {string.Join(", ", detail.Errors!.Values)}"));
    }

    private JsonSchema SchemaOf(string component, bool isClosed)
    {
        var key = $"{component}|{isClosed}";
        if (_schemas.TryGetValue(key, out var schema))
            return schema;
        var definitions = _definitions.DeepClone().AsObject();
        if (isClosed)
            Close(definitions);
        var node = new JsonObject { ["$ref"] = $"#/$defs/{component}", ["$defs"] = definitions };
        return _schemas[key] = JsonSchema.FromText(node.ToJsonString());
    }

    private static void Close(JsonNode? node)
    {
        if (node is JsonObject parent)
        {
            if (parent["properties"] is JsonObject && !parent.ContainsKey("additionalProperties"))
                parent["additionalProperties"] = false;
            foreach (var (_, child) in parent.ToList())
                Close(child);
        }
        else if (node is JsonArray list)
        {
            foreach (var child in list)
                Close(child);
        }
    }
}
