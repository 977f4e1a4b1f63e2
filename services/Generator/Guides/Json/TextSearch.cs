using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>Searches the states of strings, numbers and keys for their ends.</summary>
internal sealed class TextSearch(JsonMachine machine)
{
    /// <summary>Whether a text of the shape can end; null when only a search can tell.</summary>
    public bool? CanEnd(TextState text)
    {
        if (text.CanEnd is { } known)
            return known;
        var must = text.Shape.Owed[0];
        if (must.Kind == FormulaKind.True)
            return true;
        if (must.Atom is TextAtom single && CanEndTrue(text, single) is { } certain)
            return certain;
        foreach (var conjunct in must.Conjuncts())
        {
            if (conjunct.Atom is TextAtom part && CanEndTrue(text, part) == false)
                return false;
        }

        if ((LengthsOf(must) is { } lengths ? lengths.Least <= lengths.Most : CanMultipleEnd(text, must)) is { } sure)
            return sure;
        return text.Shape.HasOneEnd ? Find(text) : null;
    }

    private static bool? CanEndTrue(TextState text, TextAtom atom) =>
        atom.Automaton.CanEndTrue(text.States[Array.IndexOf(text.Shape.Atoms, atom)]);

    /// <summary>
    /// Searches for an end, first where it seems nearest, and notes of every state on the way what has been found out, so that each is
    /// searched once.
    /// </summary>
    private bool Find(TextState from)
    {
        if (from.End() is not null)
            return true;
        var before = new Dictionary<TextState, TextState> { [from] = from };
        var pending = new PriorityQueue<TextState, (int Distance, int Order)>();
        pending.Enqueue(from, default);
        while (pending.TryDequeue(out var state, out _))
        {
            if (state.CanEnd == true || state.End() is not null)
            {
                for (state.CanEnd = true; state != from; state.CanEnd = true)
                    state = before[state];
                return true;
            }

            var steps = state.Shape.Representatives;
            for (var i = steps.Length - 1; i >= 0; i--)
            {
                machine.CountStep();
                if (state.Next(steps[i]) is { } after && after.CanEnd != false && before.TryAdd(after, state))
                    pending.Enqueue(after, (Distance(after), -before.Count));
            }
        }

        foreach (var state in before.Keys)
            state.CanEnd = false;
        return false;
    }

    /// <summary>So many bytes at least are missing for what must hold.</summary>
    private static int Distance(TextState text)
    {
        var distance = 0;
        foreach (var conjunct in text.Shape.Owed[0].Conjuncts())
        {
            if (conjunct.Atom is TextAtom atom)
                distance = Math.Max(distance, atom.Automaton.Distance(text.States[Array.IndexOf(text.Shape.Atoms, atom)]));
        }

        return distance;
    }

    /// <summary>Whether a key like no other can certainly become one that the object takes: by meeting the one thing that is asked of it.
    /// </summary>
    private static bool CanBeMet(TextState key, PlainMembers plain) =>
        key.IfMet is { } verdicts && key.Shape.Atoms[0].Automaton.CanEndTrue(key.States[0]) == true && plain.TakesOther(verdicts);

    /// <summary>
    /// Whether a key like no other can become one that the object takes; notes of every key on the way what has been found out.
    /// </summary>
    public bool FindOther(KeyState from, PlainMembers plain)
    {
        var before = new Dictionary<KeyState, KeyState> { [from] = from };
        var pending = new Stack<KeyState>([from]);
        while (pending.TryPop(out var state))
        {
            if (state.CanEnd == true || CanBeMet(state.Text, plain) || (state.Text.End() is { } verdicts && plain.TakesOther(verdicts)))
            {
                for (state.CanEnd = true; state != from; state.CanEnd = true)
                    state = before[state];
                return true;
            }

            var steps = state.Text.Shape.Representatives;
            for (var i = steps.Length - 1; i >= 0; i--)
            {
                machine.CountStep();
                if (state.Next(steps[i]) is { } after && after.CanEnd != false && before.TryAdd(after, state))
                    pending.Push(after);
            }
        }

        foreach (var state in before.Keys)
            state.CanEnd = false;
        return false;
    }

    /// <summary>The verdicts with which a text can end.</summary>
    public IEnumerable<Outcomes> Ends(TextState from)
    {
        if (from.Shape.HasOneEnd && CanEnd(from) is { } plain)
            return plain ? [JsonMachine.Verdicts([Formula.True, .. from.Shape.Owed[1..]])!.Value] : [];
        return Search(from);
    }

    /// <summary>
    /// Members whose key has no name in the table: one for each way in which the object can go on, since keys that meet the same patterns
    /// are alike.
    /// </summary>
    public IEnumerable<PendingMember> OtherMembers(KeyState from)
    {
        var found = new HashSet<Outcomes>();
        var seen = new HashSet<KeyState> { from };

        // Which keys it are matters only where members are counted: else another key of the kind is always left.
        var isWhole = from.Object.CountsKeys && from == from.Object.Key();
        var pending = new Queue<(KeyState State, byte[] Written)>([(from, [])]);
        while (pending.TryDequeue(out var at))
        {
            var (state, written) = at;
            var isOther = state.Object.Names.Words.WordAt(state.Name) < 0 && state.Object.Used.Words.WordAt(state.Used) < 0;
            if (isOther && state.Text.End() is { } verdicts && found.Add(verdicts))
            {
                var member = isWhole ? state.Object.Member(NameTable.Text(written), verdicts) : state.Object.AnyOther(verdicts);
                if (member is not null)
                    yield return member;
            }

            // Whatever follows here ends in the same way.
            if (state.Text.Shape.Verdicts() is { } same && found.Contains(same))
                continue;

            foreach (var next in Steps(state))
            {
                machine.CountStep();
                if (state.Next(next) is { } after && after.Text.CanEnd != false && seen.Add(after))
                    pending.Enqueue((after, [.. written, next]));
            }
        }
    }

    /// <summary>Goes deep first: from nearly every state nearly every way leads to an end, and all of them together may be many.</summary>
    private IEnumerable<Outcomes> Search(TextState from)
    {
        var seen = new HashSet<TextState> { from };
        var pending = new Stack<TextState>([from]);
        while (pending.TryPop(out var state))
        {
            if (state.End() is { } outcomes)
                yield return outcomes;
            var steps = state.Shape.Representatives;
            for (var i = steps.Length - 1; i >= 0; i--)
            {
                machine.CountStep();
                if (state.Next(steps[i]) is { } after && after.CanEnd != false && seen.Add(after))
                    pending.Push(after);
            }
        }
    }

    /// <summary>One byte of each class that the key's automata tell apart.</summary>
    private static IEnumerable<byte> Steps(KeyState state)
    {
        var classes = state.Text.Shape.Classes;
        var names = state.Object.Names.Words.Classes;
        var used = state.Object.Used.Words.Classes;
        var seen = new HashSet<int>();
        for (var value = 0; value < 256; value++)
        {
            if (seen.Add((classes[value] << 16) | (names[value] << 8) | used[value]))
                yield return (byte)value;
        }
    }

    /// <summary>Whether an integer can be made a multiple: more digits reach every remainder.</summary>
    private static bool? CanMultipleEnd(TextState text, Formula must)
    {
        var conjuncts = must.Conjuncts();
        if (conjuncts.Length != 2 || text.Shape.Atoms.Length != 2)
            return null;
        var (first, second) = ((conjuncts[0].Atom as TextAtom)?.Automaton, (conjuncts[1].Atom as TextAtom)?.Automaton);
        var (multiple, integer) = first is MultipleAutomaton ? (first, second) : (second, first);
        if (multiple is not MultipleAutomaton || integer is not IntegerAutomaton)
            return null;

        // Until there is a point: a fraction is no integer's.
        var state = text.States[Array.FindIndex(text.Shape.Atoms, atom => atom.Automaton == integer)];
        return state == integer.Start && NumberSyntax.MayGrow(text.Syntax) ? true : null;
    }

    /// <summary>
    /// How many more characters a string may have, where nothing but its length is asked for and the text stands between two characters;
    /// else null.
    /// </summary>
    public static (int Least, int Most)? Lengths(TextState text)
    {
        if (text.IsNumber || text.Syntax != StringSyntax.Between || LengthsOf(text.Shape.Owed[0]) is not { } lengths)
            return null;
        var characters = 0;
        for (var i = 0; i < text.Shape.Atoms.Length; i++)
            characters = Math.Max(characters, LengthAutomaton.Characters(text.States[i]));
        return (Math.Max(0, lengths.Least - characters), lengths.Most == int.MaxValue ? int.MaxValue : lengths.Most - characters);
    }

    /// <summary>The lengths that a formula lets pass, where it is about lengths alone.</summary>
    private static (int Least, int Most)? LengthsOf(Formula must)
    {
        var (least, most) = (0, int.MaxValue);
        foreach (var conjunct in must.Conjuncts())
        {
            if (conjunct.Atom is TextAtom { Automaton: LengthAutomaton atLeast })
                least = Math.Max(least, atLeast.Least);
            else if (conjunct.Kind == FormulaKind.Not && conjunct.Members[0].Atom is TextAtom { Automaton: LengthAutomaton above })
                most = Math.Min(most, above.Least - 1);
            else
                return null;
        }

        return (least, most);
    }
}
