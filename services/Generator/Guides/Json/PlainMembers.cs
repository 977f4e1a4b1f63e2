using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>
/// An object of which nothing is asked but certain keys, and that each member meets what applies to its key: which keys may come follows
/// from its parts alone, without the states behind them. Nearly all objects are such.
/// </summary>
internal sealed class PlainMembers
{
    private readonly ObjectState _members;
    private readonly Formula[] _rules;
    private readonly List<int> _required;
    private readonly bool?[] _values;
    private readonly Dictionary<Outcomes, bool> _others = [];
    private readonly int _first;
    private bool? _canEnd;

    private PlainMembers(ObjectState members, Formula[] rules, List<int> required)
    {
        (_members, _rules, _required) = (members, rules, required);
        _first = required.Where(index => index < members.Names.Ordered).DefaultIfEmpty(int.MaxValue).Min();
        _values = members.Machine.ValuesOf(rules, members.Names);
    }

    /// <summary>Whether the object must have more keys.</summary>
    public bool NeedsMore => _required.Count > 0;

    /// <summary>Whether the object can be ended by the keys that it must have; without such it says nothing.</summary>
    public bool CanEnd => _canEnd ??= _required.TrueForAll(index =>
        (index >= _members.Names.Ordered || index >= _members.Position) && IsMet(index));

    /// <summary>An object's members as such; null when more is asked.</summary>
    public static PlainMembers? Of(ObjectState members)
    {
        if (members.Owed.Length > 1)
            return null;
        var rules = new List<Formula>();
        var required = new List<int>();
        foreach (var conjunct in members.Owed[0].Conjuncts())
        {
            switch (conjunct.Atom)
            {
                case null when conjunct.Kind == FormulaKind.True:
                    break;
                case KeyAtom key when members.Names.IndexOf(key.Name) is >= 0 and var index:
                    required.Add(index);
                    break;
                case PropertyAtom or KeyNamesAtom:
                    rules.Add(conjunct);
                    break;
                default:
                    return null;
            }
        }

        return new PlainMembers(members, [.. rules], required);
    }

    /// <summary>Whether a key of the table may come here, with some value, so that the object can be ended behind it.</summary>
    public bool Takes(int index)
    {
        if (index < _members.Names.Ordered ? index < _members.Position || index > _first : _first < int.MaxValue)
            return false;
        return CanEnd && IsMet(index) && (index < _members.Names.Ordered || !_members.Used.Has(_members.Names.Names[index]));
    }

    /// <summary>Whether it depends on the verdicts on it whether a key may come here that is not in the table; else none may.</summary>
    public bool MayTakeOthers => _first == int.MaxValue && CanEnd;

    /// <summary>Whether a key may come here that is not in the table, by the verdicts on it.</summary>
    public bool TakesOther(Outcomes verdicts)
    {
        if (!MayTakeOthers)
            return false;
        if (!_others.TryGetValue(verdicts, out var takes))
            _others.Add(verdicts, takes = IsMet(ObjectState.NoKey, verdicts));
        return takes;
    }

    private bool IsMet(int index) => _values[index] ??=
        _members.VerdictsOn(index) is { } verdicts && IsMet(_members.Names.Names[index], verdicts);

    /// <summary>Whether some value meets what applies to a key.</summary>
    private bool IsMet(string key, Outcomes verdicts)
    {
        var step = new MemberStep(_members, key, _members.Position, verdicts, _members.Asked);
        var values = new List<Formula>();
        foreach (var rule in _rules)
        {
            var value = rule.Atom is PropertyAtom members ? step.Value(members)
                : Formula.Of(step.Verdict(((KeyNamesAtom)rule.Atom!).Key));
            if (value.Kind is FormulaKind.False or FormulaKind.Unknown)
                return false;
            if (!value.IsConstant && !values.Contains(value))
                values.Add(value);
        }

        var machine = _members.Machine;
        var goal = machine.Goal([machine.Formulas.And([.. values])], [.. values]);
        return machine.IsLive(new Place(goal.Value, null));
    }
}
