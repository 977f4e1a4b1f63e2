using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// Finds the tokens that may follow within a string, or a key like no other: only what is asked of its text has a state there. Tokens of
/// characters that the state does not tell apart are known at once (<see cref="CharacterRuns"/>); the others are walked.
/// </summary>
internal sealed class TextWalk(GuideMachine machine, TokenVocabulary vocabulary, TokenWalk tokens)
{
    private readonly CharacterRuns _runs = new();
    private readonly TextState[] _texts = new TextState[257];
    private readonly uint[] _some = new uint[vocabulary.Words];
    private Place _place;
    private KeyState? _key;
    private uint[]? _closing;
    private TextShape? _alike;
    private object _walk = new();

    /// <summary>Writes the tokens that may follow.</summary>
    /// <param name="place">Within a string, or a key that is off.</param>
    /// <param name="trail">The text up to there.</param>
    /// <param name="mask">Holds no token; or, with <paramref name="alike"/>, those that may follow a state of that shape.</param>
    /// <param name="closing">Receives the tokens that may end the string so far as their part before the quote is concerned; null: they
    /// are looked at as a whole, and go to the mask.</param>
    /// <param name="alike">Texts that come to this shape are right in the mask already.</param>
    public void Fill(Place place, Trail trail, Span<uint> mask, uint[]? closing, TextShape? alike)
    {
        (_place, _key, _closing, _alike) = (place, place.State as KeyState, closing, alike);
        _walk = new object(); // several walks ask the same states, each about its own place
        var from = _key?.Text ?? (TextState)place.State;
        if (FindSlice(from) is not { } slice)
        {
            Walk(vocabulary.Trie, from, trail, mask);
            return;
        }

        var (all, allowed) = (slice.StayingUpTo(TokenSlice.CharactersMax), slice.StayingUpTo(_runs.Characters));
        for (var i = 0; i < mask.Length; i++)
            mask[i] = (mask[i] & ~all[i]) | allowed[i];
        if (_runs.AreAlike)
            AddClosing(slice, trail, mask);
        else
            Walk(slice.Closing, from, trail, mask);
        Walk(slice.Rest, from, trail, mask);
    }

    private TokenSlice? FindSlice(TextState from)
    {
        // Where a string's very text matters, its state must not change with it.
        var onlyLoops = _key is null && _place.Frame is Frame { Pending.ReadsText: true };
        if (_key is null && !onlyLoops && _runs.TryAny(from))
            return vocabulary.Slices[0];
        foreach (var slice in vocabulary.Slices)
        {
            if (_runs.TryRun(from, slice, IsLive, onlyLoops))
                return slice;
        }

        return null;
    }

    /// <summary>Adds the slice's tokens that end the string, by what holds of it behind so many characters.</summary>
    private void AddClosing(TokenSlice slice, Trail trail, Span<uint> mask)
    {
        if (_alike is not null)
            slice.Closing.Clear(0, slice.Closing.Entries.Length, mask);
        Span<bool> isDone = stackalloc bool[TokenSlice.CharactersMax + 1];
        Span<bool> group = stackalloc bool[TokenSlice.CharactersMax + 1];
        for (var first = 0; first <= _runs.Characters; first++)
        {
            if (isDone[first] || _runs.Behind(first).End() is not { } verdicts)
                continue;
            group.Clear();
            for (var i = first; i <= _runs.Characters; i++)
                isDone[i] |= group[i] = _runs.Behind(i).End() is { } others && (_closing is not null || others == verdicts);
            if (_closing is not null)
            {
                slice.AddClosing(group, _closing);
                continue;
            }

            Array.Clear(_some);
            slice.AddClosing(group, _some);
            tokens.AddClosing(Within(_runs.Behind(first)), _key is not null, _some, trail, mask);
        }
    }

    private void Walk(TokenTrie trie, TextState from, Trail trail, Span<uint> mask)
    {
        _texts[0] = from;
        var length = trail.Length;
        for (var node = 0; node < trie.Count;)
        {
            int depth = trie.Depths[node];
            var text = _texts[depth - 1];
            var next = trie.Bytes[node];
            trail.Length = length + depth - 1;
            if (next == '"' && text.Syntax == StringSyntax.Between)
            {
                if (_alike is not null)
                    trie.ClearBelow(node, mask);
                if (text.End() is not null)
                    AddBehind(trie, node, text, trail, mask);
                node = trie.Ends[node];
                continue;
            }

            if (text.Next(next) is not { } after || !IsLive(after))
            {
                if (_alike is not null)
                    trie.ClearBelow(node, mask);
                node = trie.Ends[node];
                continue;
            }

            if (after.Shape == _alike)
            {
                node = trie.Ends[node];
                continue;
            }

            trail.Add(next);
            _texts[depth] = after;
            trie.Set(trie.FirstEntries[node], trie.FirstEntries[node + 1], mask);
            node++;
        }

        trail.Length = length;
    }

    private void AddBehind(TokenTrie trie, int quote, TextState text, Trail trail, Span<uint> mask)
    {
        if (_closing is null)
            tokens.AddBehind(trie, quote, Within(text), _key is not null, trail, mask);
        else
            trie.Set(trie.FirstEntries[quote], trie.FirstEntries[trie.Ends[quote]], _closing);
    }

    private Place Within(TextState text) =>
        _place with { State = _key is null ? text : _key.Object.Key(WordSetAutomaton.Off, WordSetAutomaton.Off, text) };

    /// <summary>Whether the whole can still be ended: asked once in a walk for each state.</summary>
    private bool IsLive(TextState text)
    {
        if (text.Walk != _walk)
            (text.IsLiveInWalk, text.Walk) = (machine.IsLive(Within(text)), _walk);
        return text.IsLiveInWalk;
    }
}
