using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>An object with some members: which keys it has, what must still hold of it, and what is asked.</summary>
internal sealed class ObjectState
{
    /// <summary>Stands for a key that does not matter: half a surrogate pair is no key that a text can have.</summary>
    public const string NoKey = "\ud800";

    private readonly Dictionary<(int, int, TextState), KeyState> _keys = [];
    private readonly Dictionary<(int, string, Outcomes), PendingMember?> _members = [];
    private Formula[]? _asked;
    private KeyState? _key;
    private bool _keyKnown;
    private Outcomes? _end;
    private bool _endKnown;
    private bool? _countsKeys;
    private PlainMembers? _plain;
    private bool _plainKnown;

    public ObjectState(JsonMachine machine, NameTable names, int position, KeySet used, Formula[] owed)
    {
        (Machine, Names, Position, Used, Owed) = (machine, names, position, used, owed);
        Open = new MembersState(this, MembersPhase.Open);
        After = new MembersState(this, MembersPhase.After);
        More = new MembersState(this, MembersPhase.More);
    }

    public JsonMachine Machine { get; }

    public NameTable Names { get; }

    /// <summary>The first of the ordered names that may still come.</summary>
    public int Position { get; }

    /// <summary>The keys that it has, those in order aside.</summary>
    public KeySet Used { get; }

    /// <summary>Formulas over the conditions of objects.</summary>
    public Formula[] Owed { get; }

    public MembersState Open { get; }

    public MembersState After { get; }

    public MembersState More { get; }

    /// <summary>Whether it still matters how many keys there are.</summary>
    public bool CountsKeys => _countsKeys ??= Owed.Any(formula => Conditions.Any(formula, atom => atom is CountAtom));

    /// <summary>The members, where nothing is asked but keys and what applies to each; else null.</summary>
    public PlainMembers? Plain
    {
        get
        {
            if (!_plainKnown)
                (_plain, _plainKnown) = (PlainMembers.Of(this), true);
            return _plain;
        }
    }

    /// <summary>What is asked of the next key, as a string: first what must hold, then the verdicts that matter.</summary>
    public Formula[] Asked => _asked ??= AskedOfKeys();

    /// <summary>The state behind a key's opening quote; null when no key may come.</summary>
    public KeyState? Key()
    {
        if (!_keyKnown)
        {
            _keyKnown = true;
            if (Machine.Texts.Begin(TextKind.Key, Asked) is { } text)
                _key = Key(Names.Words.Start, Used.Words.Start, text);
        }

        return _key;
    }

    /// <summary>The state within a key.</summary>
    public KeyState Key(int name, int used, TextState text)
    {
        if (!_keys.TryGetValue((name, used, text), out var key))
        {
            Machine.CountState();
            _keys.Add((name, used, text), key = new KeyState(this, name, used, text));
        }

        return key;
    }

    /// <summary>
    /// The object while the value of a key is being written; null when it can't have that key (again, here, or with any value).
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="verdicts">The verdicts on the key, as <see cref="KeyState.Text"/> ends with.</param>
    public PendingMember? Member(string key, Outcomes verdicts)
    {
        var index = Names.IndexOf(key);
        if (!_members.TryGetValue((index, index < 0 ? key : "", verdicts), out var member))
            _members.Add((index, index < 0 ? key : "", verdicts), member = Make(index, key, verdicts));
        return member;
    }

    /// <summary>The object while the value of a named key is being written; the verdicts follow from the name.</summary>
    public PendingMember? Member(int index)
    {
        if (Names.Ordered > index && index < Position)
            return null;
        return VerdictsOn(index) is { } verdicts ? Member(Names.Names[index], verdicts) : null;
    }

    /// <summary>The verdicts on a named key; null when it may not be a key.</summary>
    public Outcomes? VerdictsOn(int index)
    {
        var text = Machine.Texts.Begin(TextKind.Key, Asked);
        if (text is { IsFree: true })
            return Names.IsWritable(index) ? text.End() : null;
        foreach (var next in ByteSequences.Written(Names.Names[index]) ?? [0])
            text = text?.Next(next);
        return text?.End();
    }

    /// <summary>The object while the value of some key is being written that has no name in the table.</summary>
    public PendingMember? AnyOther(Outcomes verdicts)
    {
        if (!_members.TryGetValue((-1, NoKey, verdicts), out var member))
            _members.Add((-1, NoKey, verdicts), member = Make(-1, NoKey, verdicts));
        return member;
    }

    /// <summary>The verdicts if the object ends here; null when it may not.</summary>
    public Outcomes? End()
    {
        if (!_endKnown)
        {
            var owed = Owed.Select(formula => Conditions.Replace(
                Machine.Formulas, formula, atom => Formula.Of(atom is CountAtom or KeyAtom ? Verdict.False : Verdict.True)));
            (_end, _endKnown) = (JsonMachine.Verdicts([.. owed]), true);
        }

        return _end;
    }

    /// <summary>The first ordered name that must come, so far as that is plain to see; −1 for none.</summary>
    public int FirstRequired()
    {
        var first = -1;
        foreach (var conjunct in Owed[0].Conjuncts())
        {
            if (conjunct.Atom is KeyAtom key && Names.IndexOf(key.Name) is var index && index >= 0 && (first < 0 || index < first))
                first = index;
        }

        return first;
    }

    private Formula[] AskedOfKeys()
    {
        var atoms = new List<Atom>();
        var seen = new HashSet<Formula>();
        foreach (var formula in Owed)
            formula.CollectAtoms(atoms, seen);
        var tests = new List<Formula>();
        foreach (var atom in atoms)
        {
            var more = atom switch
            {
                PropertyAtom members => members.Patterns.Select(pattern => Machine.Formulas.Of(pattern.Pattern)),
                UnevaluatedPropertiesAtom rest => rest.Others.SelectMany(other => other.Keys?.Patterns ?? [])
                    .Select(pattern => Machine.Formulas.Of(pattern.Pattern)),
                KeyNamesAtom names => [names.Key],
                _ => [],
            };
            tests.AddRange(more);
        }

        var must = new List<Formula>();
        foreach (var conjunct in Owed[0].Conjuncts())
        {
            if (conjunct.Atom is KeyNamesAtom names)
                must.Add(names.Key);
        }

        Formula[] asked = [Machine.Formulas.And([.. must]), .. tests.Distinct().Except(must)];
        if (asked.Length > GuideLimits.OwedVerdictsMax)
            throw new GuideException("",
                $"the guide is too complex: more than {GuideLimits.OwedVerdictsMax} patterns apply to one object's keys");
        return asked;
    }

    private PendingMember? Make(int index, string key, Outcomes verdicts)
    {
        var ordered = index >= 0 && index < Names.Ordered;
        if (ordered ? index < Position : Used.Has(key))
            return null;
        var position = ordered ? index + 1 : Names.Ordered;
        var owed = new Formula[Owed.Length];
        var step = new MemberStep(this, key, position, verdicts, Asked);
        for (var i = 0; i < owed.Length; i++)
        {
            owed[i] = Conditions.Replace(Machine.Formulas, Owed[i], step.Next);
            if (owed[0].Kind is FormulaKind.False or FormulaKind.Unknown)
                return null;
        }

        return new PendingMember(this, owed, position, ordered || key == NoKey ? Used : Used.With(key));
    }
}
