using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// Finds the tokens that may follow within a string, or a key like no other: only what is asked of its text has a state there. Tokens are
/// looked at by the kinds of their characters (<see cref="TextOutlines"/>) where the states allow that, else walked by their bytes.
/// </summary>
internal sealed class TextWalk(GuideMachine machine, TokenVocabulary vocabulary, TokenWalk tokens)
{
    private readonly TextOutlines _outlines = new(vocabulary);
    private readonly TextState[] _texts = new TextState[vocabulary.Trie.DepthMax + 2];
    private Place _place;
    private KeyState? _key;
    private uint[]? _closing;
    private TextShape? _alike;
    private object _walk = new();

    /// <summary>Writes the tokens that may follow, by the kinds of their characters; false where the state tells too much apart.</summary>
    /// <param name="place">Within a string, or a key that is off.</param>
    /// <param name="trail">The text up to there.</param>
    /// <param name="mask">Overwritten.</param>
    /// <param name="closing">As in <see cref="Fill"/>.</param>
    public bool TryFill(Place place, Trail trail, Span<uint> mask, uint[]? closing)
    {
        var from = Begin(place, closing, alike: null);

        // Where a string's very text matters, what follows it is not the same for all that end with the same verdicts.
        if (from.Syntax != StringSyntax.Between || (_key is null && place.Frame is Frame { ReadsText: true }))
            return false;
        mask.Clear();
        if (from.Shape.NeverDies && (_key is null ? from.Shape.HasOneEnd && from.IfMet is not null : CanAlwaysBeMet(from, _key)))
        {
            // What is asked can be met behind any text; how it ends is another matter.
            vocabulary.Plain.CopyTo(mask);
            Walk(vocabulary.ClosingTexts, from, trail, mask);
            return true;
        }

        // Where most bytes lead nowhere, the walk is short.
        if (TryWalk(vocabulary.Trie, from, trail, mask, vocabulary.ShortWalk))
            return true;
        mask.Clear();
        if (closing is not null)
            Array.Clear(closing);
        foreach (var outline in vocabulary.Outlines)
        {
            if (!_outlines.TryFill(from, outline, IsLive, mask))
                continue;
            AddClosing(trail, mask);
            _outlines.Release();
            Walk(outline.Rest, from, trail, mask);
            return true;
        }

        return false;
    }

    /// <summary>Writes the tokens that may follow, byte by byte.</summary>
    /// <param name="place">Within a string, or a key that is off.</param>
    /// <param name="trail">The text up to there.</param>
    /// <param name="mask">Holds no token; or, with <paramref name="alike"/>, those that may follow a state of that shape.</param>
    /// <param name="closing">Receives the tokens that may end the string so far as their part before the quote is concerned; null: they
    /// are looked at as a whole, and go to the mask.</param>
    /// <param name="alike">Texts that come to this shape are right in the mask already.</param>
    public void Fill(Place place, Trail trail, Span<uint> mask, uint[]? closing, TextShape? alike) =>
        Walk(vocabulary.Trie, Begin(place, closing, alike), trail, mask);

    /// <summary>Whether any text can go on to a key that the object takes.</summary>
    private bool CanAlwaysBeMet(TextState text, KeyState key) => _place.Frame is not { IsOpen: true }
        && key.Object.Plain is { } plain && text.IfMet is { } verdicts && plain.TakesOther(verdicts);

    private TextState Begin(Place place, uint[]? closing, TextShape? alike)
    {
        (_place, _key, _closing, _alike) = (place, place.State as KeyState, closing, alike);
        _walk = new object(); // several walks ask the same states, each about its own place
        return _key?.Text ?? (TextState)place.State;
    }

    /// <summary>Adds the outlined tokens that end the string.</summary>
    private void AddClosing(Trail trail, Span<uint> mask)
    {
        foreach (var group in _outlines.Closing)
        {
            if (_closing is null)
            {
                tokens.AddClosing(Within(group.Text), _key is not null, group.Tokens.AsSpan(0, vocabulary.Words), trail, mask);
                continue;
            }

            for (var i = 0; i < vocabulary.Words; i++)
                _closing[i] |= group.Tokens[i];
        }
    }

    private void Walk(TokenTrie trie, TextState from, Trail trail, Span<uint> mask) => TryWalk(trie, from, trail, mask, int.MaxValue);

    /// <summary>Walks the tree; false where it has more nodes to look at than these.</summary>
    private bool TryWalk(TokenTrie trie, TextState from, Trail trail, Span<uint> mask, int nodesMax)
    {
        _texts[0] = from;
        var length = trail.Length;
        for (var node = 0; node < trie.Count;)
        {
            if (--nodesMax < 0)
            {
                trail.Length = length;
                return false;
            }

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
        return true;
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
