namespace Parley.Generator.Guides.Automata;

/// <summary>How a text's characters become bytes.</summary>
internal enum TextEncoding
{
    /// <summary>As UTF-8.</summary>
    Plain,

    /// <summary>As the inside of a JSON string: UTF-8, with escapes where there must be one, in their shortest form.</summary>
    Json,
}
