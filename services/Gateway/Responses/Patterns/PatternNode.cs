namespace Parley.Gateway.Responses.Patterns;

/// <summary>A regular expression as a tree.</summary>
internal abstract record PatternNode
{
    /// <summary>Matches nothing's length: the empty text.</summary>
    internal sealed record Empty : PatternNode;

    /// <summary>One code point of a set.</summary>
    internal sealed record One(CharacterSet Set) : PatternNode;

    /// <summary>One after the other.</summary>
    internal sealed record Sequence(IReadOnlyList<PatternNode> Parts) : PatternNode;

    /// <summary>The first that leads to a match.</summary>
    internal sealed record Choice(IReadOnlyList<PatternNode> Ways) : PatternNode;

    /// <summary>Between so many times and so many; <paramref name="Most"/> is null where there is no end.</summary>
    internal sealed record Repeat(PatternNode Body, int Least, int? Most, bool IsLazy) : PatternNode;

    /// <summary>A group by its number, from 1.</summary>
    internal sealed record Group(PatternNode Body, int Number) : PatternNode;

    /// <summary>The text of a group again.</summary>
    internal sealed record Reference(int Number) : PatternNode;

    /// <summary>A place in the text.</summary>
    internal sealed record Place(PatternPlace Kind) : PatternNode;

    /// <summary>What follows or precedes a place, or must not.</summary>
    internal sealed record Look(PatternNode Body, bool IsAhead, bool IsNegative) : PatternNode;
}
