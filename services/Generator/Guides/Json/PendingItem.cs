using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>An array while one of its items is being written.</summary>
internal sealed class PendingItem(JsonMachine machine, Formula[] owed) : Pending(machine, owed)
{
    /// <summary>Two to the power of it is more than the items that an array may have to remember.</summary>
    private const int Doublings = 20;

    private readonly Formula[] _owed = owed;
    private bool? _isSteady;
    private bool? _hasMany;

    /// <summary>
    /// Whether the items behind this one are asked what it is asked, and nothing else is but their number and that they differ: so long as
    /// there are more values than any array has items, which of them comes here has no bearing on whether the array can be ended.
    /// </summary>
    public bool IsSteady => _isSteady ??= !IsOpen && _owed.Length == 1 && Array.TrueForAll(_owed[0].Conjuncts().ToArray(), IsOfAll)
        && After(default, null) is ItemsState { Array: var behind } && (behind.Item() is not { } next || next.Child == Child);

    /// <summary>Whether more strings may stand here than any array has items.</summary>
    public bool HasMany => _hasMany ??= Child.Begin(JsonKind.String) is TextState begin && CountsToMany(begin);

    protected override JsonState With(Formula[] owed) => Machine.Array(owed).After;

    /// <summary>Behind some first characters, one of two may follow, so often that these texts alone are many.</summary>
    private bool CountsToMany(TextState begin)
    {
        foreach (var first in (string[])["", "a", "0-", "~~~"])
        {
            TextState? text = begin;
            foreach (var next in first)
                text = text?.Next((byte)next);
            for (var doublings = 0; text is not null; doublings++)
            {
                if (doublings == Doublings)
                {
                    if (Machine.IsLive(new Machines.Place(text, null)))
                        return true;
                    break;
                }

                var after = text.Next((byte)'a');
                text = after == text.Next((byte)'b') ? after : null;
            }
        }

        return false;
    }

    private static bool IsOfAll(Formula conjunct) => conjunct.Atom switch
    {
        CountAtom or DistinctAtom or OutcomeAtom or ItemAtom { PlacesLeft: 0 } => true,
        null => conjunct.Kind == FormulaKind.True || (conjunct.Kind == FormulaKind.Not && conjunct.Members[0].Atom is CountAtom),
        _ => false,
    };
}
