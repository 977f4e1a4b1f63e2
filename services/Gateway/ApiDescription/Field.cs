using System.Text.Json.Nodes;

namespace Parley.Gateway.ApiDescription;

/// <summary>A member of an object.</summary>
/// <param name="Name">As JSON has it.</param>
/// <param name="Schema">What it may hold.</param>
/// <param name="Text">What it does, in a sentence; may be empty.</param>
internal sealed record Field(string Name, JsonObject Schema, string Text = "")
{
    /// <summary>Whether an object without it is not complete.</summary>
    public bool IsRequired { get; init; }

    /// <summary>Whether it is a name or a field of other servers', which a page shows apart.</summary>
    public bool IsOther { get; init; }
}
