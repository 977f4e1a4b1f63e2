using Parley.Generator.Guides.Grammars;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Notations;

/// <summary>Rules by name while a grammar is read: they may be named before they are there.</summary>
/// <param name="cursor">Where they are read.</param>
internal sealed class GrammarNames(GrammarCursor cursor)
{
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<(string Name, int NamedAt, int DefinedAt, GrammarTree? Tree)> _rules = [];

    /// <summary>The number of a rule that is named.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="at">Where it stands.</param>
    public int Name(string name, int at)
    {
        if (_numbers.TryGetValue(name, out var number))
            return number;
        if (_rules.Count >= GuideLimits.GrammarRulesMax)
            throw cursor.Fault($"the grammar has more than {GuideLimits.GrammarRulesMax} rules", at);
        GuideLimits.ThrowIfStopped();
        number = _rules.Count;
        _numbers.Add(name, number);
        _rules.Add((name, at, -1, null));
        return number;
    }

    /// <summary>Whether a rule is there.</summary>
    public bool IsDefined(string name) => _numbers.TryGetValue(name, out var number) && _rules[number].DefinedAt >= 0;

    /// <summary>What a rule says; null where it isn't there.</summary>
    public GrammarTree? TreeOf(int rule) => _rules[rule].Tree;

    /// <summary>What a rule is called.</summary>
    public string NameOf(int rule) => _rules[rule].Name;

    /// <summary>Defines a rule.</summary>
    public void Define(string name, int at, GrammarTree tree)
    {
        var number = Name(name, at);
        if (_rules[number].DefinedAt >= 0)
            throw cursor.Fault($"'{name}' is defined twice", at);
        _rules[number] = (name, _rules[number].NamedAt, at, tree);
    }

    /// <summary>The grammar.</summary>
    /// <param name="root">The rule for the whole text.</param>
    /// <exception cref="GuideException">One that is needed isn't there.</exception>
    public Grammar ToGrammar(string root)
    {
        if (!IsDefined(root))
            throw new GuideException("", $"the grammar has no rule '{root}', where it begins");
        foreach (var (name, namedAt, definedAt, _) in _rules)
        {
            if (definedAt < 0)
                throw cursor.Fault($"'{name}' is not defined", namedAt);
        }

        return new Grammar([.. _rules.Select(rule => new GrammarRule(rule.Name, rule.Tree!))], _numbers[root]);
    }
}
