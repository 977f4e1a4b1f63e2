namespace Parley.ModelImporter.Gguf.Tokenizers;

/// <summary>What a token of a GGUF vocabulary is; the numbers are the format's.</summary>
internal enum GgufTokenKind
{
    Normal = 1,
    Unknown = 2,

    /// <summary>Marks the structure of a text, and is no part of it.</summary>
    Control = 3,

    /// <summary>Is found whole in a text, before anything else.</summary>
    UserDefined = 4,

    /// <summary>A row of the embedding that stands for nothing.</summary>
    Unused = 5,

    /// <summary>One byte of a character that has no token.</summary>
    Byte = 6,
}
