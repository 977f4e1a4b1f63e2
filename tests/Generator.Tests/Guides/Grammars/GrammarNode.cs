namespace Parley.Generator.Tests.Guides.Grammars;

/// <summary>A piece of a small grammar, which the tests can write down in either syntax and recognise slowly.</summary>
internal abstract record GrammarNode
{
    public sealed record Word(string Text) : GrammarNode;

    public sealed record Sequence(IReadOnlyList<GrammarNode> Members) : GrammarNode;

    public sealed record Choice(IReadOnlyList<GrammarNode> Members) : GrammarNode;

    /// <summary>A number of times; a maximum of −1 is none.</summary>
    public sealed record Repeat(GrammarNode Member, int Min, int Max) : GrammarNode;

    public sealed record Rule(int Number) : GrammarNode;
}
