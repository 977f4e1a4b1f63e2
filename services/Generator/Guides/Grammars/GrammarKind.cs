namespace Parley.Generator.Guides.Grammars;

internal enum GrammarKind
{
    /// <summary>Symbols one after the other: bytes and tokens; none is the empty text.</summary>
    Literal,

    /// <summary>One character of a set.</summary>
    Set,

    /// <summary>Any one token that is text, but these.</summary>
    OtherToken,

    /// <summary>One after the other.</summary>
    Sequence,

    /// <summary>Any one of them.</summary>
    Choice,

    /// <summary>A number of times.</summary>
    Repeat,

    /// <summary>What a rule says.</summary>
    Rule,

    /// <summary>What a machine reads.</summary>
    Machine,

    /// <summary>What a regular expression matches as a whole.</summary>
    Pattern,

    /// <summary>Any text up to something that is looked for.</summary>
    Text,
}
