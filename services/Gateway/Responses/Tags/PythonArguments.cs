using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Tags;

/// <summary>
/// Arguments as Python's keyword arguments. A value is JSON, which the reader of this notation takes; what is nothing but a truth value or
/// none is written as Python does.
/// </summary>
/// <param name="function">Whose arguments.</param>
/// <param name="format">For the words of a refusal.</param>
internal sealed class PythonArguments(ToolFunction function, string format)
{
    private readonly JsonObject _root = function.Parameters ?? [];

    /// <exception cref="TagException">They cannot be enforced in this notation.</exception>
    public JsonObject Write() => ParameterList.Read(_root, Fault).Row(Argument, ", ");

    private JsonObject Argument(string name, JsonNode? schema)
    {
        if (name.Length == 0 || !name.All(one => char.IsLetterOrDigit(one) || one == '_'))
            throw Fault($".properties.{name}", "has a name that cannot be written");
        return TagNode.Sequence(TagNode.Text(name + "="), Value(schema, message => Fault($".properties.{name}", message)));
    }

    private JsonObject Value(JsonNode? schema, Func<string, TagException> refuse)
    {
        var types = ToolSchemas.TypesOf(schema);
        var isPlain = schema is JsonObject node && node.All(member => member.Key == "type" || ParameterList.Notes.Contains(member.Key));
        if (!isPlain || types.Count == 0 || !types.All(type => type is "boolean" or "null"))
            return TagNode.Schema(SchemaPart.Alone(schema, _root, refuse));
        var words = new List<JsonObject>();
        if (types.Contains("boolean"))
            words.AddRange([TagNode.Text("True"), TagNode.Text("False")]);
        if (types.Contains("null"))
            words.Add(TagNode.Text("None"));
        return TagNode.Or(words);
    }

    private TagException Fault(string place, string message) =>
        new(function.Index, ".function.parameters" + place, $"{message} (the format of calls is {format})");
}
