using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>An array with some items: what must still hold of it, and what is asked.</summary>
internal sealed class ArrayState
{
    private readonly JsonMachine _machine;
    private PendingItem? _item;
    private bool _itemKnown;
    private Outcomes? _end;
    private bool _endKnown;

    public ArrayState(JsonMachine machine, Formula[] owed)
    {
        (_machine, Owed) = (machine, owed);
        Open = new ItemsState(this, MembersPhase.Open);
        After = new ItemsState(this, MembersPhase.After);
        More = new ItemsState(this, MembersPhase.More);
    }

    /// <summary>Formulas over the conditions of arrays.</summary>
    public Formula[] Owed { get; }

    public ItemsState Open { get; }

    public ItemsState After { get; }

    public ItemsState More { get; }

    /// <summary>The array while its next item is being written; null when it may have none.</summary>
    public PendingItem? Item()
    {
        if (_itemKnown)
            return _item;
        _itemKnown = true;
        var owed = new Formula[Owed.Length];
        for (var i = 0; i < owed.Length; i++)
        {
            owed[i] = Conditions.Replace(_machine.Formulas, Owed[i], Next);
            if (owed[0].Kind is FormulaKind.False or FormulaKind.Unknown)
                return null;
        }

        return _item = new PendingItem(_machine, owed);
    }

    /// <summary>The verdicts if the array ends here; null when it may not.</summary>
    public Outcomes? End()
    {
        if (!_endKnown)
        {
            var owed = Owed.Select(formula => Conditions.Replace(
                _machine.Formulas, formula, atom => Formula.Of(atom is CountAtom or ContainsAtom ? Verdict.False : Verdict.True)));
            (_end, _endKnown) = (JsonMachine.Verdicts([.. owed]), true);
        }

        return _end;
    }

    private Formula Next(Atom atom)
    {
        var formulas = _machine.Formulas;
        switch (atom)
        {
            case ItemAtom items:
                return formulas.And(formulas.Of(items.Next), _machine.Outcome(items.Value));
            case CountAtom count:
                return count.Less();
            case ContainsAtom contains:
                var less = contains.Less is { } rest ? formulas.Of(rest) : Formula.True;
                return formulas.Or(formulas.Of(contains), formulas.And(_machine.Outcome(contains.Value), less));
            case DistinctAtom distinct:
                return formulas.And(formulas.Of(distinct), _machine.Outcome(distinct.Value(formulas)));
            case UnevaluatedItemsAtom others:
                var evaluated = others.Others.Select(other => formulas.And(
                    other.Holds, others.Index < other.Places ? Formula.True : _machine.Outcome(other.Containing)));
                var either = formulas.Or([_machine.Outcome(others.Value), .. evaluated]);
                return formulas.And(formulas.Of(others.Next()), either);
            default:
                return formulas.Of(atom);
        }
    }
}
