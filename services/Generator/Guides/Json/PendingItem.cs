using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>An array while one of its items is being written.</summary>
internal sealed class PendingItem(JsonMachine machine, Formula[] owed) : Pending(machine, owed)
{
    private readonly Formula[] _owed = owed;
    private bool? _isSteady;

    /// <summary>
    /// Whether the items behind this one are asked what it is asked, and nothing else is but their number and that they differ: so long as
    /// there are endlessly many values, which of them comes here has no bearing on whether the array can be ended.
    /// </summary>
    public bool IsSteady => _isSteady ??= !IsOpen && _owed.Length == 1 && Array.TrueForAll(_owed[0].Conjuncts().ToArray(), IsOfAll)
        && After(default, null) is ItemsState { Array: var behind } && (behind.Item() is not { } next || next.Child == Child);

    protected override JsonState With(Formula[] owed) => Machine.Array(owed).After;

    private static bool IsOfAll(Formula conjunct) => conjunct.Atom switch
    {
        CountAtom or DistinctAtom or OutcomeAtom or ItemAtom { PlacesLeft: 0 } => true,
        null => conjunct.Kind == FormulaKind.True || (conjunct.Kind == FormulaKind.Not && conjunct.Members[0].Atom is CountAtom),
        _ => false,
    };
}
