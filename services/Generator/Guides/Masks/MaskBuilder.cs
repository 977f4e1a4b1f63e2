using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// Finds the tokens that a text may go on with: walks the vocabulary's tree together with the automaton and leaves out what it does not
/// take.
/// Inside strings, where nearly every token may follow, it starts from masks that are made once. Not safe for several threads.
/// </summary>
internal sealed class MaskBuilder(GuideMachine machine, TokenVocabulary vocabulary)
{
    private const int InsideMax = 256;
    private const int RecentMax = 8;
    private readonly Dictionary<TextState, InsideMask> _inside = [];
    private readonly Dictionary<TextState, bool> _live = [];
    private readonly List<(Place Place, uint[] Mask)> _recent = [];
    private readonly Place[] _places = new Place[257];
    private readonly byte[] _path = new byte[257];
    private readonly (int Name, int Used)[] _nodes = new (int, int)[257];
    private readonly TextState[] _texts = new TextState[257];

    /// <summary>Bytes of memory that the masks hold by now, roughly.</summary>
    public long Bytes => ((2L * _inside.Count) + _recent.Count) * vocabulary.Words * sizeof(uint);

    /// <summary>
    /// Writes the mask of a place: bit id % 32 of word id / 32. Ids that end a sequence are allowed where the text may end.
    /// </summary>
    /// <param name="place">Where the text stands; it can be ended from there.</param>
    /// <param name="trail">The text up to there.</param>
    /// <param name="mask">Overwritten.</param>
    public void Fill(Place place, Trail trail, Span<uint> mask)
    {
        foreach (var recent in _recent)
        {
            if (recent.Place != place)
                continue;
            recent.Mask.CopyTo(mask);
            return;
        }

        var length = trail.Length;
        var loose = place.State is TextState { IsNumber: false } text && text.WithoutLengths(vocabulary.CharactersMax) is { } other
            ? place with { State = other }
            : place;
        Choose(loose, trail, mask);
        trail.Length = length;
        if (machine.MayEnd(place))
        {
            foreach (var end in vocabulary.Ends)
                mask[end >> 5] |= 1u << end;
        }

        Remember(place, mask);
    }

    /// <summary>
    /// Within a string the place stays the same from token to token; the last few masks are kept, and their memory is used again.
    /// </summary>
    private void Remember(Place place, ReadOnlySpan<uint> mask)
    {
        var kept = _recent.Count < RecentMax ? new uint[vocabulary.Words] : _recent[0].Mask;
        if (_recent.Count == RecentMax)
            _recent.RemoveAt(0);
        mask.CopyTo(kept);
        _recent.Add((place, kept));
    }

    private void Choose(Place place, Trail trail, Span<uint> mask)
    {
        switch (place.State)
        {
            case TextState { IsFree: true } or KeyState { IsFree: true }:
                vocabulary.Plain.CopyTo(mask);
                AddClosing(place, trail, mask, vocabulary.Closing, ahead: true);
                break;
            case TextState { IsNumber: false, Syntax: StringSyntax.Between } text when place.Frame is not { IsOpen: true }:
                var inside = Inside(text);
                inside.Staying.CopyTo(mask);
                AddClosing(place, trail, mask, inside.Closing, ahead: true);
                break;
            case KeyState { IsOff: false, Text.IsFree: true } key when machine.IsLive(place with { State = key.Free }):
                FillNames(key, place, trail, mask);
                break;
            case KeyState { IsOff: false, Text.Syntax: StringSyntax.Between } key when machine.IsLive(place with { State = key.Free }):
                FillFrom(place with { State = key.Free }, place, trail, mask);
                break;
            case TextState { IsNumber: false, Syntax: StringSyntax.Between } text when text.Free is { } free
                && machine.IsLive(place with { State = free }):
                FillFrom(place with { State = free }, place, trail, mask);
                break;
            case TextState { IsNumber: false } or KeyState { IsOff: true }:
                FillText(place, trail, mask);
                break;
            default:
                mask.Clear();
                Walk(vocabulary.Trie, place, trail, mask);
                break;
        }
    }

    /// <summary>The largest set of characters of which the state takes each and is the same behind it; null for none.</summary>
    private TokenSlice? Slice(LocalState state)
    {
        foreach (var slice in vocabulary.Slices)
        {
            if (CharacterLoops.Takes(state, slice))
                return slice;
        }

        return null;
    }

    /// <summary>Adds the tokens of which every byte is taken.</summary>
    private void Walk(TokenTrie trie, Place place, Trail trail, Span<uint> mask)
    {
        var length = trail.Length;
        _places[0] = place;
        for (var node = 0; node < trie.Count;)
        {
            int depth = trie.Depths[node];
            trail.Length = length + depth - 1;
            var next = trie.Bytes[node];
            if (!machine.TryStep(_places[depth - 1], next, trail, out var after) || !machine.IsLive(after))
            {
                node = trie.Ends[node];
                continue;
            }

            trail.Add(next);
            _places[depth] = after;
            Set(trie, trie.FirstEntries[node], trie.FirstEntries[node + 1], mask);
            node++;
        }

        trail.Length = length;
    }

    /// <summary>
    /// Starts from the mask of a state of which nothing is asked, and corrects it by the tokens that do not lead to that state: of all
    /// others it is
    /// right.
    /// </summary>
    private void FillFrom(Place free, Place place, Trail trail, Span<uint> mask)
    {
        Choose(free, trail, mask);
        var trie = vocabulary.Trie;
        var length = trail.Length;
        _places[0] = place;
        for (var node = 0; node < trie.Count;)
        {
            int depth = trie.Depths[node];
            trail.Length = length + depth - 1;
            var next = trie.Bytes[node];
            if (!machine.TryStep(_places[depth - 1], next, trail, out var after) || !machine.IsLive(after))
            {
                Clear(trie, trie.FirstEntries[node], trie.FirstEntries[trie.Ends[node]], mask);
                node = trie.Ends[node];
                continue;
            }

            if (IsAlike(after.State, free.State))
            {
                node = trie.Ends[node];
                continue;
            }

            trail.Add(next);
            _places[depth] = after;
            Set(trie, trie.FirstEntries[node], trie.FirstEntries[node + 1], mask);
            node++;
        }

        trail.Length = length;
    }

    /// <summary>
    /// The same for a key of which nothing is asked but that it is not taken: only tokens that keep to keys that are named or taken,
    /// and end them,
    /// differ from those of a key like no other, for any other end makes it one.
    /// </summary>
    private void FillNames(KeyState key, Place place, Trail trail, Span<uint> mask)
    {
        Choose(place with { State = key.Free }, trail, mask);
        var (trie, names, used) = (vocabulary.Trie, key.Object.Names.Words, key.Object.Used.Words);
        var length = trail.Length;
        _nodes[0] = (key.Name, key.Used);
        _texts[0] = key.Text;
        for (var node = 0; node < trie.Count;)
        {
            int depth = trie.Depths[node];
            var (name, taken) = _nodes[depth - 1];
            var next = trie.Bytes[node];
            var text = _texts[depth - 1];
            if (next == '"' && text.Syntax == StringSyntax.Between)
            {
                trail.Length = length;
                for (var above = 1; above < depth; above++)
                    trail.Add(_path[above]);
                Clear(trie, trie.FirstEntries[node], trie.FirstEntries[trie.Ends[node]], mask);
                WalkBelow(trie, node, place with { State = key.Object.Key(name, taken, text) }, ahead: false, trail, mask);
                node = trie.Ends[node];
                continue;
            }

            _nodes[depth] = (names.Step(name, next), used.Step(taken, next));
            if (_nodes[depth] == (WordSetAutomaton.Off, WordSetAutomaton.Off) || text.Next(next) is not { } after)
            {
                node = trie.Ends[node];
                continue;
            }

            _path[depth] = next;
            _texts[depth] = after;
            node++;
        }

        trail.Length = length;
    }

    /// <summary>Whether nothing is asked of what follows, as at the same place of a text that began in the free state.</summary>
    private static bool IsAlike(LocalState state, LocalState free) => state switch
    {
        KeyState key => free is KeyState other && key.Object == other.Object && key.IsOff,
        TextState text => free is TextState other && text.Shape == other.Shape,
        _ => false,
    };

    private static void Set(TokenTrie trie, int entry, int end, Span<uint> mask)
    {
        for (; entry < end; entry++)
        {
            var id = trie.Entries[entry];
            mask[id >> 5] |= 1u << id;
        }
    }

    private static void Clear(TokenTrie trie, int entry, int end, Span<uint> mask)
    {
        for (; entry < end; entry++)
        {
            var id = trie.Entries[entry];
            mask[id >> 5] &= ~(1u << id);
        }
    }

    /// <summary>Adds, of the tokens that may end the string, those whose rest is taken.</summary>
    private void AddClosing(Place place, Trail trail, Span<uint> mask, uint[] closing, bool ahead)
    {
        var trie = vocabulary.ClosingTrie;
        var length = trail.Length;
        _places[0] = place;
        for (var node = 0; node < trie.Count;)
        {
            int depth = trie.Depths[node];
            trail.Length = length + depth - 1;
            var next = trie.Bytes[node];
            if (!Close(_places[depth - 1], ahead && depth == 1, next, trail, out var after))
            {
                node = trie.Ends[node];
                continue;
            }

            trail.Add(next);
            _places[depth] = after;
            for (var entry = trie.FirstEntries[node]; entry < trie.FirstEntries[node + 1]; entry++)
            {
                foreach (var id in vocabulary.ClosingTokens(trie.Entries[entry]))
                    mask[id >> 5] |= closing[id >> 5] & (1u << id);
            }

            node++;
        }

        trail.Length = length;
    }

    private bool Close(Place place, bool ahead, byte next, Trail trail, out Place after)
    {
        // Ahead: the string need not be able to end right here, for the tokens have characters before their quotes; what follows those is
        // the same.
        var taken = ahead ? machine.TryLeave(place, out after) : machine.TryStep(place, next, trail, out after);
        return taken && machine.IsLive(after);
    }

    /// <summary>
    /// Within a string, or a key like no other,
    /// only what is asked of its text has a state; whether the whole can still be ended is asked once for
    /// each of these states.
    /// </summary>
    private void FillText(Place place, Trail trail, Span<uint> mask)
    {
        mask.Clear();
        var key = place.State as KeyState;
        var from = key?.Text ?? (TextState)place.State;
        var trie = vocabulary.Trie;
        if (Slice(place.State) is { } slice)
        {
            trie = slice.Rest;
            slice.Staying.CopyTo(mask);
            if (from.End() is not null)
                AddClosing(place, trail, mask, slice.Closing, ahead: key is not null);
        }

        _live.Clear();
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
                if (text.End() is not null)
                    WalkBelow(trie, node, Within(place, key, text), key is not null, trail, mask);
                node = trie.Ends[node];
                continue;
            }

            if (text.Next(next) is not { } after || !IsLive(place, key, after))
            {
                node = trie.Ends[node];
                continue;
            }

            trail.Add(next);
            _texts[depth] = after;
            Set(trie, trie.FirstEntries[node], trie.FirstEntries[node + 1], mask);
            node++;
        }

        trail.Length = length;
    }

    private static Place Within(Place place, KeyState? key, TextState text) =>
        place with { State = key is null ? text : key.Object.Key(WordSetAutomaton.Off, WordSetAutomaton.Off, text) };

    private bool IsLive(Place place, KeyState? key, TextState text)
    {
        if (!_live.TryGetValue(text, out var live))
            _live.Add(text, live = machine.IsLive(Within(place, key, text)));
        return live;
    }

    /// <summary>Adds the tokens of a subtree that begins with the quote that ends a string or key.</summary>
    private void WalkBelow(TokenTrie trie, int top, Place place, bool ahead, Trail trail, Span<uint> mask)
    {
        var length = trail.Length;
        var above = trie.Depths[top] - 1;
        _places[above] = place;
        for (var node = top; node < trie.Ends[top];)
        {
            int depth = trie.Depths[node];
            trail.Length = length + depth - above - 1;
            var next = trie.Bytes[node];
            if (!Close(_places[depth - 1], ahead && node == top, next, trail, out var after))
            {
                node = trie.Ends[node];
                continue;
            }

            trail.Add(next);
            _places[depth] = after;
            Set(trie, trie.FirstEntries[node], trie.FirstEntries[node + 1], mask);
            node++;
        }

        trail.Length = length;
    }

    /// <summary>The masks of a state within a string; made once.</summary>
    private InsideMask Inside(TextState from)
    {
        if (_inside.TryGetValue(from, out var inside))
            return inside;
        if (TextSearch.Lengths(from) is { } lengths)
            return new InsideMask(vocabulary.PlainUpTo(lengths.Most), vocabulary.ClosingBetween(lengths.Least, lengths.Most));
        var slice = Slice(from);
        inside = slice is null
            ? new InsideMask(new uint[vocabulary.Words], new uint[vocabulary.Words])
            : new InsideMask([.. slice.Staying], from.End() is null ? new uint[vocabulary.Words] : [.. slice.Closing]);
        var trie = slice?.Rest ?? vocabulary.Trie;
        _texts[0] = from;
        for (var node = 0; node < trie.Count;)
        {
            int depth = trie.Depths[node];
            var text = _texts[depth - 1];
            var next = trie.Bytes[node];
            if (next == '"' && text.Syntax == StringSyntax.Between)
            {
                if (text.End() is not null)
                    Set(trie, trie.FirstEntries[node], trie.FirstEntries[trie.Ends[node]], inside.Closing);
                node = trie.Ends[node];
                continue;
            }

            if (text.Next(next) is not { } after || !machine.IsLive(new Place(after, null)))
            {
                node = trie.Ends[node];
                continue;
            }

            _texts[depth] = after;
            Set(trie, trie.FirstEntries[node], trie.FirstEntries[node + 1], inside.Staying);
            node++;
        }

        if (_inside.Count >= InsideMax)
            _inside.Clear();
        _inside.Add(from, inside);
        return inside;
    }
}
