using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Grammars;

/// <summary>What a rule of a grammar says, as a tree.</summary>
internal sealed record GrammarTree(GrammarKind Kind)
{
    /// <summary>The empty text.</summary>
    public static GrammarTree Empty { get; } = new(GrammarKind.Literal);

    /// <summary>Of a literal: bytes, and tokens from <see cref="Vocabulary.TokenNames.FirstToken"/> on; of another token: the ids that it is not.</summary>
    public IReadOnlyList<int> Symbols { get; init; } = [];

    /// <summary>Members of a sequence, a choice, or the one that is repeated.</summary>
    public IReadOnlyList<GrammarTree> Members { get; init; } = [];

    /// <summary>The characters of a set.</summary>
    public CodePoints Characters { get; init; } = CodePoints.Empty;

    /// <summary>Repetitions at least.</summary>
    public int Min { get; init; }

    /// <summary>Repetitions at most; −1 for no bound.</summary>
    public int Max { get; init; }

    /// <summary>A rule's number.</summary>
    public int Rule { get; init; }

    public GuideMachine? Machine { get; init; }

    public RegexTree? Pattern { get; init; }

    public FreeText? Text { get; init; }

    public static GrammarTree Literal(IReadOnlyList<int> symbols) => new(GrammarKind.Literal) { Symbols = symbols };

    public static GrammarTree Set(CodePoints characters) => new(GrammarKind.Set) { Characters = characters };

    public static GrammarTree OtherToken(IReadOnlyList<int> ids) => new(GrammarKind.OtherToken) { Symbols = ids };

    public static GrammarTree Sequence(params IReadOnlyList<GrammarTree> members) => members.Count switch
    {
        0 => Empty,
        1 => members[0],
        _ => new(GrammarKind.Sequence) { Members = members },
    };

    public static GrammarTree Choice(params IReadOnlyList<GrammarTree> members) =>
        members.Count == 1 ? members[0] : new(GrammarKind.Choice) { Members = members };

    public static GrammarTree Repeat(GrammarTree member, int min, int max) =>
        new(GrammarKind.Repeat) { Members = [member], Min = min, Max = max };

    public static GrammarTree OfRule(int rule) => new(GrammarKind.Rule) { Rule = rule };

    public static GrammarTree OfMachine(GuideMachine machine) => new(GrammarKind.Machine) { Machine = machine };

    public static GrammarTree OfPattern(RegexTree pattern) => new(GrammarKind.Pattern) { Pattern = pattern };

    public static GrammarTree OfText(FreeText text) => new(GrammarKind.Text) { Text = text };
}
