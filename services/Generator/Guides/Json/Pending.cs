using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>
/// An object or array while one of its values is being written: what is asked of the value, and what follows from its verdicts.
/// </summary>
internal abstract class Pending
{
    private readonly Formula[] _owed;
    private readonly OutcomeAtom[] _asked;
    private readonly HashSet<Atom> _required = [];
    private readonly Dictionary<Outcomes, JsonState?> _after = [];

    protected Pending(JsonMachine machine, Formula[] owed)
    {
        Machine = machine;
        _owed = owed;
        var atoms = new List<Atom>();
        var seen = new HashSet<Formula>();
        foreach (var formula in owed)
            formula.CollectAtoms(atoms, seen);
        var outcomes = atoms.OfType<OutcomeAtom>().ToList();
        foreach (var conjunct in owed[0].Conjuncts())
        {
            if (conjunct.Atom is OutcomeAtom required)
                _required.Add(required);
        }

        _asked = [.. outcomes.Where(outcome => !_required.Contains(outcome))];
        if (_asked.Length > GuideLimits.OwedVerdictsMax)
        {
            throw new GuideException(
                "", $"the guide is too complex: more than {GuideLimits.OwedVerdictsMax} alternatives hang on one value");
        }

        var must = machine.Formulas.And([.. outcomes.Where(_required.Contains).Select(outcome => outcome.Value)]);
        Child = machine.Goal([must, .. _asked.Select(outcome => outcome.Value)], [.. outcomes.Select(outcome => outcome.Value)]);
        ReadsText = atoms.Any(atom => atom is DistinctAtom);
    }

    public JsonMachine Machine { get; }

    /// <summary>What is asked of the value.</summary>
    public Goal Child { get; }

    /// <summary>Whether more than one course can follow the value.</summary>
    public bool IsOpen => _asked.Length > 0;

    /// <summary>Whether what follows depends on the value's text itself.</summary>
    public bool ReadsText { get; }

    /// <summary>The state behind the value.</summary>
    /// <param name="outcomes">The verdicts on the value.</param>
    /// <param name="text">The value as it is written, where <see cref="ReadsText"/>; else null.</param>
    public JsonState? After(Outcomes outcomes, string? text)
    {
        if (text is not null)
            return Make(outcomes, text);
        if (!_after.TryGetValue(outcomes, out var after))
            _after.Add(outcomes, after = Make(outcomes, null));
        return after;
    }

    /// <summary>The state of the object or array with these formulas.</summary>
    protected abstract JsonState With(Formula[] owed);

    private JsonState? Make(Outcomes outcomes, string? text)
    {
        var owed = new Formula[_owed.Length];
        for (var i = 0; i < owed.Length; i++)
        {
            owed[i] = Conditions.Replace(Machine.Formulas, _owed[i], atom => atom switch
            {
                OutcomeAtom outcome when _required.Contains(outcome) => Formula.True,
                OutcomeAtom outcome => Formula.Of(outcomes[Array.IndexOf(_asked, outcome)]),
                DistinctAtom distinct when text is not null => Machine.Formulas.Of(distinct.With(text)),
                _ => Machine.Formulas.Of(atom),
            });
            if (i == 0 && owed[0].Kind is FormulaKind.False or FormulaKind.Unknown)
                return null;
        }

        return With(owed);
    }
}
