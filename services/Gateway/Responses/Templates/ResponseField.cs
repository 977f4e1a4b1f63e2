using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Patterns;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Templates;

/// <summary>
/// One field of the message that a response template makes of an answer: what opens and closes its regions, and what they mean.
/// </summary>
internal sealed record ResponseField(string Name)
{
    /// <summary>Null for the one field that takes what lies outside all others.</summary>
    public Pattern? Open { get; init; }

    /// <summary>Null where a region goes on to the answer's end.</summary>
    public Pattern? Close { get; init; }

    public required ContentParser Content { get; init; }

    /// <summary>Each region adds a value; else the last one counts.</summary>
    public bool Repeats { get; init; }

    /// <summary>What stands between the texts of a repeated field, which is then one text.</summary>
    public string? Join { get; init; }

    /// <summary>The message may lack it.</summary>
    public bool IsOptional { get; init; } = true;

    /// <summary>How the value is built of what was read, or null.</summary>
    public JsonNode? Transform { get; init; }

    /// <summary>What was read is a list, and each of its elements is built by itself.</summary>
    public bool TransformsEach { get; init; }
}
