namespace Parley.Generator.Guides.Automata;

internal enum RegexKind
{
    /// <summary>The empty text.</summary>
    Empty,

    /// <summary>One character of a set.</summary>
    Set,

    /// <summary>One after the other.</summary>
    Sequence,

    /// <summary>Any one of them.</summary>
    Choice,

    /// <summary>A number of times.</summary>
    Repeat,

    /// <summary>Only at the text's begin.</summary>
    Begin,

    /// <summary>Only at the text's end.</summary>
    End,
}
