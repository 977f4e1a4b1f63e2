namespace Parley.Generator.Guides.Automata;

/// <summary>A regular expression as a tree.</summary>
internal sealed record RegexTree(RegexKind Kind)
{
    public static RegexTree Empty { get; } = new(RegexKind.Empty);

    public static RegexTree Begin { get; } = new(RegexKind.Begin);

    public static RegexTree End { get; } = new(RegexKind.End);

    /// <summary>Members of a sequence, a choice, or the one that is repeated.</summary>
    public IReadOnlyList<RegexTree> Members { get; init; } = [];

    /// <summary>The characters of a set.</summary>
    public CodePoints Characters { get; init; } = CodePoints.Empty;

    /// <summary>Repetitions at least.</summary>
    public int Min { get; init; }

    /// <summary>Repetitions at most; −1 for no bound.</summary>
    public int Max { get; init; }

    public static RegexTree Set(CodePoints characters) => new(RegexKind.Set) { Characters = characters };

    public static RegexTree Sequence(params IReadOnlyList<RegexTree> members) =>
        members.Count == 1 ? members[0] : new(RegexKind.Sequence) { Members = members };

    public static RegexTree Choice(params IReadOnlyList<RegexTree> members) =>
        members.Count == 1 ? members[0] : new(RegexKind.Choice) { Members = members };

    public static RegexTree Repeat(RegexTree member, int min, int max) =>
        new(RegexKind.Repeat) { Members = [member], Min = min, Max = max };

    /// <summary>These very characters, one after the other.</summary>
    public static RegexTree Literal(string text) =>
        Sequence([.. text.EnumerateRunes().Select(rune => Set(CodePoints.Single(rune.Value)))]);

    /// <summary>The whole text, not a part of it.</summary>
    public RegexTree Whole() => Sequence(Begin, this, End);
}
