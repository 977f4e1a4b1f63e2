using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>
/// What a value is for: the first formula must hold of it, of the others what encloses it wants the verdicts. Formulas over <see
/// cref="Schema"/>.
/// </summary>
internal sealed class Goal
{
    private readonly JsonState?[] _begins = new JsonState?[7];
    private readonly bool[] _known = new bool[7];
    private readonly Formula[]?[] _formulas = new Formula[]?[7];
    private NameTable? _names;
    private bool? _isSurelyMet;

    public Goal(JsonMachine machine, Formula[] owed, Formula[] order)
    {
        Machine = machine;
        Owed = owed;
        Order = order;
        Value = new ValueState(this);
    }

    public JsonMachine Machine { get; }

    /// <summary>What must hold, then what is asked.</summary>
    public Formula[] Owed { get; }

    /// <summary>The same in the order in which the schema has them, for the order of keys.</summary>
    public Formula[] Order { get; }

    /// <summary>The state before the value.</summary>
    public ValueState Value { get; }

    /// <summary>The keys that objects here know, in order.</summary>
    public NameTable Names => _names ??= NameTable.Of(this);

    /// <summary>The formulas over the conditions of one kind.</summary>
    public Formula[] For(JsonKind kind) => _formulas[(int)kind] ??= Replace(atom => ((Schema)atom).For(kind), Owed);

    /// <summary>Whether a value meets it that is found at a glance: one of a kind of which nothing is asked, or an empty one.</summary>
    public bool IsSurelyMet => _isSurelyMet ??= FindPlainValue();

    private bool FindPlainValue()
    {
        for (var kind = JsonKind.Null; (int)kind < _begins.Length; kind++)
        {
            var must = For(kind)[0];
            if (must.Kind == FormulaKind.True)
                return true;
            if (kind is JsonKind.Object or JsonKind.Array && Replace(IfEmpty, [must])[0].Kind == FormulaKind.True)
                return true;
        }

        return false;
    }

    private static Formula IfEmpty(Atom atom) => atom is CountAtom or KeyAtom or ContainsAtom ? Formula.False : Formula.True;

    private Formula[] Replace(Func<Atom, Formula> replacement, Formula[] formulas)
    {
        var replaced = new Formula[formulas.Length];
        for (var i = 0; i < replaced.Length; i++)
            replaced[i] = Machine.Formulas.Replace(formulas[i], replacement);
        return replaced;
    }

    /// <summary>
    /// The state behind the first byte of a value of this kind (the first digit of a number is still to come); null when there is no such
    /// value.
    /// </summary>
    public JsonState? Begin(JsonKind kind)
    {
        ref var begin = ref _begins[(int)kind];
        if (_known[(int)kind])
            return begin;
        var owed = For(kind);
        if (owed[0].Kind is not (FormulaKind.False or FormulaKind.Unknown))
        {
            begin = kind switch
            {
                JsonKind.String or JsonKind.Number => Machine.Texts.Begin(kind, owed),
                JsonKind.Object => Machine.Object(Names, 0, Machine.NoKeys, owed).Open,
                JsonKind.Array => Machine.Array(owed).Open,
                _ => LiteralState.Begin(kind, JsonMachine.Verdicts(owed)),
            };
        }

        _known[(int)kind] = true;
        return begin;
    }
}
