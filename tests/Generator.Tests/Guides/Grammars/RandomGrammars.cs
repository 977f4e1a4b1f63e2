namespace Parley.Generator.Tests.Guides.Grammars;

/// <summary>Small grammars by chance, of a seed: left, right and in their middle recursive, empty, ambiguous.</summary>
internal sealed class RandomGrammars(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>The rules of one; the first is where it begins.</summary>
    public IReadOnlyList<GrammarNode> Next()
    {
        var count = _random.Next(1, 5);
        return [.. Enumerable.Range(0, count).Select(_ => Node(count, 3))];
    }

    /// <summary>A grammar in GBNF.</summary>
    public static string ToGbnf(IReadOnlyList<GrammarNode> rules) =>
        string.Concat(rules.Select((rule, number) => $"{(number == 0 ? "root" : $"r{number}")} ::= {Gbnf(rule)}\n"));

    /// <summary>A grammar in Lark's syntax.</summary>
    public static string ToLark(IReadOnlyList<GrammarNode> rules) =>
        string.Concat(rules.Select((rule, number) => $"{(number == 0 ? "start" : $"r{number}")}: {Lark(rule)}\n"));

    private GrammarNode Node(int rules, int depth)
    {
        var kind = depth == 0 ? _random.Next(2) : _random.Next(8);
        switch (kind)
        {
            case 0:
                return new GrammarNode.Word(string.Concat(Enumerable.Range(0, _random.Next(3)).Select(_ => Letter())));
            case 1:
                return _random.Next(3) == 0 ? new GrammarNode.Rule(_random.Next(rules)) : new GrammarNode.Word(Letter().ToString());
            case 2:
                return new GrammarNode.Rule(_random.Next(rules));
            case 3 or 4:
                return new GrammarNode.Sequence([.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Node(rules, depth - 1))]);
            case 5 or 6:
                return new GrammarNode.Choice([.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Node(rules, depth - 1))]);
            default:
                var min = _random.Next(3);
                return new GrammarNode.Repeat(Node(rules, depth - 1), min, _random.Next(2) == 0 ? -1 : min + _random.Next(3));
        }
    }

    private char Letter() => (char)('a' + _random.Next(3));

    private static string Gbnf(GrammarNode node) => node switch
    {
        GrammarNode.Word word => $"\"{word.Text}\"",
        GrammarNode.Rule rule => rule.Number == 0 ? "root" : $"r{rule.Number}",
        GrammarNode.Sequence sequence => $"({string.Join(' ', sequence.Members.Select(Gbnf))})",
        GrammarNode.Choice choice => $"({string.Join(" | ", choice.Members.Select(Gbnf))})",
        GrammarNode.Repeat { Max: < 0 } repeat => $"{Gbnf(repeat.Member)}{{{repeat.Min},}}",
        GrammarNode.Repeat repeat => $"{Gbnf(repeat.Member)}{{{repeat.Min},{repeat.Max}}}",
        _ => throw new InvalidOperationException(),
    };

    private static string Lark(GrammarNode node) => node switch
    {
        GrammarNode.Word word => $"\"{word.Text}\"",
        GrammarNode.Rule rule => rule.Number == 0 ? "start" : $"r{rule.Number}",
        GrammarNode.Sequence sequence => $"({string.Join(' ', sequence.Members.Select(Lark))})",
        GrammarNode.Choice choice => $"({string.Join(" | ", choice.Members.Select(Lark))})",
        GrammarNode.Repeat { Max: < 0, Min: 0 } repeat => $"({Lark(repeat.Member)})*",
        GrammarNode.Repeat { Max: < 0 } repeat => $"(({Lark(repeat.Member)}) ~ {repeat.Min} ({Lark(repeat.Member)})*)",
        GrammarNode.Repeat repeat => $"({Lark(repeat.Member)}) ~ {repeat.Min}..{repeat.Max}",
        _ => throw new InvalidOperationException(),
    };
}
