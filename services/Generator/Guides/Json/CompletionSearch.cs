using System.Runtime.CompilerServices;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>
/// Decides whether a text can still be ended so that it meets its schema: exactly, by searching the automaton for an end.
/// For each state it knows the verdicts with which the value can end (the value's summary, in the language of pushdown automata); schemas
/// that
/// contain themselves make that a fixed point, which is computed round by round.
/// </summary>
internal sealed class CompletionSearch(JsonMachine machine)
{
    private readonly TextSearch _texts = new(machine);
    private readonly ValueCount _values = new(machine);
    private int _steps;
    private int _depth;
    private int _partialBelow = int.MaxValue;
    private long _additions;

    /// <summary>See <see cref="JsonMachine.BeginAccount"/>.</summary>
    public void BeginAccount() => _steps = 0;

    /// <summary>Counts one step of a search.</summary>
    /// <exception cref="GuideException">It has taken more than <see cref="GuideLimits.SearchStepsMax"/>.</exception>
    public void CountStep()
    {
        GuideLimits.ThrowIfStopped();
        if (++_steps > GuideLimits.SearchStepsMax)
            throw new GuideException("", "the guide is too complex: whether a text can still meet it takes too long to find out");
    }

    /// <summary>Whether a text can be ended from here so that it meets its schema.</summary>
    public bool IsLive(Place place)
    {
        var state = (JsonState)place.State;
        if (state is KeyState { IsOff: false } key && key.Text.Shape.Atoms.Length == 0 && IsLive(place with { State = key.Free }))
            return true; // any key can be made one like no other
        if (!CanEnd(state))
            return false;
        var frame = (Frame?)place.Frame;
        if (frame is null || !frame.IsOpen)
            return true;
        if (frame.Live.TryGetValue(state, out var live))
            return live;
        CheckStack();
        live = false;
        for (var i = 0; !live && TryGet(state, i, out var outcomes); i++)
            live = frame.Pending.After(outcomes, null) is { } after && IsLive(new Place(after, frame.Parent));
        frame.Live.Add(state, live);
        return live;
    }

    private static void CheckStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new GuideException("", "the guide is too complex: the values that meet it nest, or follow each other, too deeply");
    }

    private bool CanEnd(JsonState state)
    {
        if (state.CanEnd is { } known)
            return known;
        if ((state is TextState text ? _texts.CanEnd(text) : AtAGlance(state)) is { } plain)
        {
            state.CanEnd = plain;
            return plain;
        }

        var can = TryGet(state, 0, out _);
        if (can || state.Completions!.IsDone)
            state.CanEnd = can;
        return can;
    }

    /// <summary>Whether a value can end, where that follows without a search; else null.</summary>
    private bool? AtAGlance(JsonState state)
    {
        if (_depth > 0)
            return null; // what a search within a search says may not be its last word
        switch (state)
        {
            case ValueState { Goal.IsSurelyMet: true }:
                return true;
            case MembersState { Object.Plain: { } plain } members:
                return plain.NeedsMore ? plain.CanEnd : members.Phase != MembersPhase.More ? true : null;
            case KeyState { Object.Plain: { } plain } key:
                // Any key can be made one like no other, where nothing is asked of its text.
                if (key.Text.End() is { } verdicts && key.IsOff && plain.TakesOther(verdicts))
                    return true;
                if (TakesSome(key, plain))
                    return true;
                if (key.Text.Shape.Atoms.Length > 0)
                    return key.IsOff ? plain.MayTakeOthers && _texts.FindOther(key, plain) : null;
                return key.Text.Shape.Verdicts() is { } certain && plain.TakesOther(certain);
            case ColonState { Member: { IsOpen: false, ReadsText: false } member }:
                return CanEnd(member.Child.Value) && member.After(default, null) is { } after && CanEnd(after);
            default:
                return null;
        }
    }

    private static bool TakesSome(KeyState key, PlainMembers plain)
    {
        foreach (var word in key.Object.Names.Words.WordsBelow(key.Name))
        {
            if (plain.Takes(word))
                return true;
        }

        return false;
    }

    private bool TryGet(JsonState state, int index, out Outcomes outcomes)
    {
        var completions = state.Completions ??= new Completions();
        while (completions.Known.Count <= index)
        {
            if (completions.IsDone || completions.IsBusy || !Advance(state, completions))
            {
                if (completions.IsBusy)
                    _partialBelow = Math.Min(_partialBelow, completions.Depth);
                outcomes = default;
                return false;
            }
        }

        outcomes = completions.Known[index];
        return true;
    }

    /// <summary>Looks for one more way to end; false when there is none for now.</summary>
    private bool Advance(JsonState state, Completions completions)
    {
        CheckStack();
        var outer = _partialBelow;
        completions.IsBusy = true;
        completions.Depth = _depth++;
        try
        {
            while (true)
            {
                // A round that another search began may have missed things; the last word has a round that runs through here.
                var whole = completions.Round is null;
                var additions = _additions;
                if (whole)
                    completions.IsPartial = false;
                _partialBelow = int.MaxValue;
                completions.Round ??= Explore(state).GetEnumerator();
                while (completions.Round.MoveNext())
                {
                    if (completions.Known.Contains(completions.Round.Current))
                        continue;
                    completions.Known.Add(completions.Round.Current);
                    completions.IsDone = HasOneEnd(state);
                    _additions++;
                    completions.IsPartial |= _partialBelow <= completions.Depth;
                    outer = Math.Min(outer, _partialBelow < completions.Depth ? _partialBelow : int.MaxValue);
                    return true;
                }

                completions.Round = null;
                if (_partialBelow < completions.Depth)
                {
                    outer = Math.Min(outer, _partialBelow);
                    if (whole && additions == _additions)
                        return false;
                }
                else if (_partialBelow == int.MaxValue && !completions.IsPartial)
                {
                    completions.IsDone = true;
                    return false;
                }
                else if (whole && additions == _additions && !completions.IsPartial)
                {
                    completions.IsDone = true;
                    return false;
                }
            }
        }
        catch (GuideException)
        {
            // An enumeration that was broken off looks like one that has come to its end.
            completions.Round = null;
            throw;
        }
        finally
        {
            completions.IsBusy = false;
            _depth--;
            _partialBelow = outer;
        }
    }

    /// <summary>Whether the verdicts at a value's end are the same however it ends.</summary>
    private static bool HasOneEnd(JsonState state)
    {
        var owed = state switch
        {
            ValueState value => value.Goal.Owed,
            TextState text => text.Shape.Owed,
            MembersState members => members.Object.Owed,
            KeyState key => key.Object.Owed,
            ColonState colon => colon.Member.Before.Owed,
            ItemsState items => items.Array.Owed,
            _ => [],
        };
        return owed.Skip(1).All(formula => formula.IsConstant);
    }

    private IEnumerable<Outcomes> All(JsonState state)
    {
        for (var i = 0; TryGet(state, i, out var outcomes); i++)
            yield return outcomes;
    }

    private IEnumerable<Outcomes> Explore(JsonState state)
    {
        CountStep();
        return state switch
        {
            ValueState value => Enumerable.Range(0, 7).Select(kind => value.Goal.Begin((JsonKind)kind)).OfType<JsonState>().SelectMany(All),
            LiteralState literal => [literal.Outcomes],
            TextState text => _texts.Ends(text),
            MembersState members => OfMembers(members),
            KeyState key => OfKey(key),
            ColonState colon => Through(colon.Member),
            ItemsState items => OfItems(items),
            _ => [default],
        };
    }

    private IEnumerable<Outcomes> Through(Pending pending)
    {
        foreach (var verdicts in All(pending.Child.Value))
        {
            if (pending.After(verdicts, null) is not { } after)
                continue;
            foreach (var outcomes in All(after))
                yield return outcomes;
        }
    }

    private IEnumerable<Outcomes> OfItems(ItemsState items)
    {
        if (items.Phase != MembersPhase.More && items.Array.End() is { } end)
            yield return end;
        if (items.Array.Item() is not { } item || !HasEnough(items.Array, item))
            yield break;
        foreach (var outcomes in Through(item))
            yield return outcomes;
    }

    /// <summary>Whether there are as many different items as there must be, where they must differ and all places are alike.</summary>
    private bool HasEnough(ArrayState array, PendingItem item)
    {
        if (!item.ReadsText || item.IsOpen)
            return true;
        var least = 1;
        foreach (var conjunct in array.Owed[0].Conjuncts())
        {
            if (conjunct.Atom is CountAtom count)
                least = count.More;
            else if (conjunct.Atom is ItemAtom { PlacesLeft: > 0 })
                return true;
        }

        return least == 1 || _values.Reaches(item.Child, least);
    }

    private IEnumerable<Outcomes> OfMembers(MembersState members)
    {
        var state = members.Object;
        if (members.Phase != MembersPhase.More && state.End() is { } end)
            yield return end;
        if (state.Key() is not { } key)
            yield break;
        foreach (var outcomes in All(key))
            yield return outcomes;
    }

    private IEnumerable<Outcomes> OfKey(KeyState key)
    {
        var state = key.Object;
        var words = state.Names.Words.WordsBelow(key.Name).ToList();
        words.Sort();

        // The key that must come next leads to an end sooner than those before it, which may be left out.
        var required = state.FirstRequired();
        if (words.Remove(required))
            words.Insert(0, required);
        foreach (var word in words)
        {
            if (required >= 0 && word > required && required < state.Names.Ordered && word < state.Names.Ordered)
                continue;
            if (state.Member(word) is not { } member)
                continue;
            foreach (var outcomes in All(member.Colon))
                yield return outcomes;
        }

        foreach (var member in _texts.OtherMembers(key))
        {
            foreach (var outcomes in All(member.Colon))
                yield return outcomes;
        }
    }
}
