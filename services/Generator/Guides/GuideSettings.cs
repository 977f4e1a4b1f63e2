namespace Parley.Generator.Guides;

/// <summary>How the answers of a JSON guide are written.</summary>
internal sealed record GuideSettings
{
    public static GuideSettings Default { get; } = new();

    /// <summary>Keys that the schema names may come in any order; by default they come in the schema's.</summary>
    public bool AnyOrder { get; init; }

    /// <summary>Spaces and line breaks may stand wherever JSON lets them; by default there are none.</summary>
    public bool FreeWhitespace { get; init; }

    /// <summary>
    /// OpenAPI's format <c>byte</c> asserts that a string is base64; by default it is a note, as it is to validators of JSON Schema.
    /// </summary>
    public bool AssertsByte { get; init; }
}
