using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>What a key does to the conditions on its object.</summary>
/// <param name="before">The object before it.</param>
/// <param name="key">The key.</param>
/// <param name="position">The first of the ordered names that may come behind it.</param>
/// <param name="verdicts">The verdicts on the key.</param>
/// <param name="asked">What they are about; the first must hold and has no verdict.</param>
internal sealed class MemberStep(ObjectState before, string key, int position, Outcomes verdicts, Formula[] asked)
{
    private readonly JsonMachine _machine = before.Machine;
    private readonly FormulaTable _formulas = before.Machine.Formulas;

    /// <summary>The condition on the members behind this one, and on this one's value.</summary>
    public Formula Next(Atom atom)
    {
        switch (atom)
        {
            case KeyAtom has when has.Name == key:
                return Formula.True;
            case KeyAtom has:
                var index = before.Names.IndexOf(has.Name);
                return index >= 0 && index < before.Names.Ordered && index < position ? Formula.False : _formulas.Of(has);
            case CountAtom count:
                return count.Less();
            case KeyNamesAtom names:
                return _formulas.And(_formulas.Of(names), Formula.Of(Verdict(names.Key)));
            case PropertyAtom members:
                return _formulas.And(_formulas.Of(members), _machine.Outcome(Value(members)));
            case UnevaluatedPropertiesAtom rest:
                var evaluated = rest.Others.Where(other => Covers(other.Keys)).Select(other => other.Holds);
                return _formulas.And(_formulas.Of(rest), _formulas.Or([_machine.Outcome(rest.Value), .. evaluated]));
            default:
                return _formulas.Of(atom);
        }
    }

    /// <summary>The verdict on the key of something that is asked of keys.</summary>
    public Verdict Verdict(Formula ofKey)
    {
        var index = Array.IndexOf(asked, ofKey, 1);
        return index < 0 ? Automata.Verdict.True : verdicts[index - 1];
    }

    /// <summary>What applies to the value of the key.</summary>
    public Formula Value(PropertyAtom members)
    {
        var value = Formula.True;
        var found = false;
        if (members.Named.TryGetValue(key, out var named))
            (value, found) = (named, true);
        foreach (var (pattern, ofMatch) in members.Patterns)
        {
            if (Verdict(_formulas.Of(pattern)) == Automata.Verdict.True)
                (value, found) = (_formulas.And(value, ofMatch), true);
        }

        return found ? value : members.Additional;
    }

    private bool Covers(PropertyAtom? keys) => keys is null || keys.Named.ContainsKey(key)
        || keys.Patterns.Any(pattern => Verdict(_formulas.Of(pattern.Pattern)) == Automata.Verdict.True);
}
