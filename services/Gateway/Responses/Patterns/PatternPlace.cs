namespace Parley.Gateway.Responses.Patterns;

/// <summary>What a pattern can ask of a place between two characters.</summary>
internal enum PatternPlace
{
    /// <summary>The beginning of the text.</summary>
    Start,

    /// <summary>The beginning of a line.</summary>
    LineStart,

    /// <summary>The end of the text.</summary>
    End,

    /// <summary>The end of the text, or before a line break that is its last character.</summary>
    EndOrLastBreak,

    /// <summary>The end of a line.</summary>
    LineEnd,

    /// <summary>Between a word's character and another.</summary>
    WordEdge,

    /// <summary>Not there.</summary>
    NoWordEdge,
}
