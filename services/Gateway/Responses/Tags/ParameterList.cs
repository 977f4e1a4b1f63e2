using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Tags;

/// <summary>
/// The members of an object, one by one: what a notation that is no JSON can be told of a schema. What says more of the object than its
/// properties and which of them must be there is refused by name; members that the schema only allows are not written.
/// </summary>
internal sealed class ParameterList
{
    /// <summary>What says nothing of a value.</summary>
    public static readonly IReadOnlySet<string> Notes = new HashSet<string>(StringComparer.Ordinal)
    {
        "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$comment", "$schema", "$id",
        "nullable",
    };

    private const int MembersMax = 64;

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "type", "properties", "required", "additionalProperties", "$defs", "definitions",
    };

    private ParameterList(IReadOnlyList<(string Name, JsonNode? Schema, bool IsRequired)> members) => Members = members;

    /// <summary>In the schema's order.</summary>
    public IReadOnlyList<(string Name, JsonNode? Schema, bool IsRequired)> Members { get; }

    /// <summary>Reads the schema of an object.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="fault">Makes the refusal of a keyword at a place within the schema.</param>
    /// <exception cref="TagException">It says what cannot be followed.</exception>
    public static ParameterList Read(JsonObject schema, Func<string, string, TagException> fault)
    {
        foreach (var (keyword, _) in schema)
        {
            if (!Known.Contains(keyword) && !Notes.Contains(keyword))
                throw fault("." + keyword, "is a keyword that cannot be enforced");
        }

        if (schema["type"] is { } type && PythonTruth.Text(type) != "object")
            throw fault(".type", "must be 'object' for arguments to be enforced");
        var properties = schema["properties"] as JsonObject ?? [];
        if (properties.Count > MembersMax)
            throw fault(".properties", $"are {properties.Count}; at most {MembersMax} can be enforced");
        var required = (schema["required"] as JsonArray ?? []).Select(PythonTruth.Text).ToHashSet();
        if (required.FirstOrDefault(name => name is null || !properties.ContainsKey(name)) is { } unknown)
            throw fault(".required", $"names '{unknown}', which is not described and so cannot be enforced");
        return new ParameterList([.. properties.Select(member => (member.Key, member.Value, required.Contains(member.Key)))]);
    }

    /// <summary>The members in a row, those that need not be there left out or not.</summary>
    /// <param name="write">Writes one.</param>
    /// <param name="separator">Between two.</param>
    public JsonObject Row(Func<string, JsonNode?, JsonObject> write, string separator)
    {
        var written = Members.Select(member => (Element: write(member.Name, member.Schema), member.IsRequired)).ToArray();
        if (separator.Length == 0)
        {
            return TagNode.Sequence(written.Select(
                member => member.IsRequired ? member.Element : TagNode.Optional(member.Element)));
        }

        // Whichever comes first has no separator before it.
        var ways = new List<JsonObject>();
        for (var first = 0; first < written.Length; first++)
        {
            ways.Add(TagNode.Sequence(written[first..].Select((member, index) => index == 0 ? member.Element
                : member.IsRequired ? TagNode.Sequence(TagNode.Text(separator), member.Element)
                : TagNode.Optional(TagNode.Sequence(TagNode.Text(separator), member.Element)))));
            if (written[first].IsRequired)
                return TagNode.Or(ways);
        }

        return ways.Count == 0 ? TagNode.Text("") : TagNode.Optional(TagNode.Or(ways));
    }
}
