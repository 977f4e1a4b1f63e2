using System.Runtime.CompilerServices;

namespace Parley.Generator.Guides.Grammars;

/// <summary>Tells which rules may stand in the place of their calls: small ones that do not contain themselves.</summary>
internal sealed class GrammarSizes
{
    private const int InlineMax = 60;
    private const int Large = 1_000_000;
    private const int Unknown = -1;
    private const int Busy = -2;
    private readonly Grammar _grammar;
    private readonly int[] _sizes;

    public GrammarSizes(Grammar grammar)
    {
        _grammar = grammar;
        _sizes = new int[grammar.Rules.Count];
        Array.Fill(_sizes, Unknown);
    }

    /// <summary>Whether a rule may stand in the place of its calls.</summary>
    public bool IsInline(int rule) => OfRule(rule) <= InlineMax;

    private int OfRule(int rule)
    {
        if (_sizes[rule] >= 0)
            return _sizes[rule];

        // A rule within itself, or one so deep that nobody can look, is called.
        if (_sizes[rule] == Busy || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            return Large;
        _sizes[rule] = Busy;
        return _sizes[rule] = 1 + Of(_grammar.Rules[rule].Tree);
    }

    private int Of(GrammarTree tree)
    {
        long size = tree.Kind switch
        {
            GrammarKind.Literal => tree.Symbols.Count,
            GrammarKind.Set => 1 + tree.Characters.Ranges.Length,
            GrammarKind.Sequence or GrammarKind.Choice => 1 + Sum(tree.Members),
            GrammarKind.Repeat => 1 + ((1L + Of(tree.Members[0])) * Math.Max(1, tree.Max < 0 ? tree.Min + 1 : tree.Max)),
            GrammarKind.Rule => OfRule(tree.Rule) is var rule && rule <= InlineMax ? rule : Contains(rule) ? Large : 1,
            GrammarKind.OtherToken => 1,
            GrammarKind.Pattern => InlineMax / 2,
            _ => Large,
        };
        return (int)Math.Min(size, Large);
    }

    /// <summary>What contains itself makes all that lie on the way large too.</summary>
    private static bool Contains(int size) => size >= Large;

    private long Sum(IReadOnlyList<GrammarTree> members)
    {
        var sum = 0L;
        foreach (var member in members)
        {
            sum += Of(member);
            if (sum >= Large)
                break;
        }

        return sum;
    }
}
