namespace Parley.Generator.Guides.Grammars;

internal enum GrammarEdgeKind : byte
{
    /// <summary>A range of bytes.</summary>
    Byte,

    /// <summary>Nothing at all.</summary>
    Free,

    /// <summary>One token as itself.</summary>
    Token,

    /// <summary>One token that is text, but some.</summary>
    OtherToken,

    /// <summary>What a rule says.</summary>
    Call,

    /// <summary>What a machine reads.</summary>
    Machine,
}
