using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// Finds the tokens that a text may go on with: walks the vocabulary's tree together with the automaton and leaves out what it does not take.
/// Inside strings, where nearly every token may follow, it starts from masks that are made once. Not safe for several threads.
/// </summary>
internal sealed class MaskBuilder(GuideMachine machine, TokenVocabulary vocabulary)
{
    private const int MasksMax = 256;
    private readonly Dictionary<Place, uint[]> _masks = [];
    private readonly Dictionary<TextState, InsideMask> _inside = [];
    private readonly Place[] _places = new Place[257];
    private readonly TextState[] _texts = new TextState[257];

    /// <summary>The mask of a place: bit id % 32 of word id / 32. Ids that end a sequence are allowed where the text may end.</summary>
    /// <param name="place">Where the text stands; it can be ended from there.</param>
    /// <param name="trail">The text up to there.</param>
    public ReadOnlySpan<uint> Mask(Place place, Trail trail)
    {
        if (_masks.TryGetValue(place, out var mask))
            return mask;
        mask = new uint[vocabulary.Words];
        var length = trail.Length;
        Fill(place, trail, mask);
        trail.Length = length;
        if (machine.MayEnd(place))
        {
            foreach (var end in vocabulary.Ends)
                mask[end >> 5] |= 1u << end;
        }

        if (_masks.Count == MasksMax)
            _masks.Clear();
        _masks.Add(place, mask);
        return mask;
    }

    private void Fill(Place place, Trail trail, uint[] mask)
    {
        switch (place.State)
        {
            case TextState { IsFree: true } or KeyState { IsFree: true }:
                vocabulary.Plain.CopyTo(mask, 0);
                AddClosing(place, trail, mask, vocabulary.Closing);
                break;
            case TextState { IsNumber: false } text when place.Frame is not { IsOpen: true }:
                var inside = Inside(text);
                inside.Staying.CopyTo(mask, 0);
                AddClosing(place, trail, mask, inside.Closing);
                break;
            case KeyState { Text.IsFree: true } key when machine.IsLive(place with { State = key.Free }):
                FillFrom(place with { State = key.Free }, place, trail, mask);
                break;
            case TextState { IsNumber: false } text when text.Free is { } free && machine.IsLive(place with { State = free }):
                FillFrom(place with { State = free }, place, trail, mask);
                break;
            default:
                Walk(vocabulary.Trie, 0, vocabulary.Trie.Count, place, trail, mask);
                break;
        }
    }

    /// <summary>Adds the tokens of which every byte is taken.</summary>
    private void Walk(TokenTrie trie, int node, int end, Place place, Trail trail, uint[] mask)
    {
        var length = trail.Length;
        var above = node < end ? trie.Depths[node] - 1 : 0;
        _places[above] = place;
        while (node < end)
        {
            int depth = trie.Depths[node];
            trail.Length = length + depth - above - 1;
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
    /// Starts from the mask of a state of which nothing is asked, and corrects it by the tokens that do not lead to that state: of all others it is
    /// right.
    /// </summary>
    private void FillFrom(Place free, Place place, Trail trail, uint[] mask)
    {
        Fill(free, trail, mask);
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

            if (after == free)
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

    private static void Set(TokenTrie trie, int entry, int end, uint[] mask)
    {
        for (; entry < end; entry++)
        {
            var id = trie.Entries[entry];
            mask[id >> 5] |= 1u << id;
        }
    }

    private static void Clear(TokenTrie trie, int entry, int end, uint[] mask)
    {
        for (; entry < end; entry++)
        {
            var id = trie.Entries[entry];
            mask[id >> 5] &= ~(1u << id);
        }
    }

    /// <summary>Adds, of the tokens that may end the string, those whose rest is taken.</summary>
    private void AddClosing(Place place, Trail trail, uint[] mask, uint[] closing)
    {
        var trie = vocabulary.ClosingTrie;
        var length = trail.Length;
        _places[0] = place;
        for (var node = 0; node < trie.Count;)
        {
            int depth = trie.Depths[node];
            trail.Length = length + depth - 1;
            var next = trie.Bytes[node];
            if (!Close(_places[depth - 1], depth, next, trail, out var after))
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

    private bool Close(Place place, int depth, byte next, Trail trail, out Place after)
    {
        // The string need not be able to end right here: the tokens have characters before their quotes, and what follows those is the same.
        var taken = depth == 1 && place.State is TextState
            ? ((JsonMachine)machine).TryLeave(place, out after)
            : machine.TryStep(place, next, trail, out after);
        return taken && machine.IsLive(after);
    }

    /// <summary>The masks of a state within a string; made once.</summary>
    private InsideMask Inside(TextState from)
    {
        if (_inside.TryGetValue(from, out var inside))
            return inside;
        if (TextSearch.Lengths(from) is { } lengths)
            return new InsideMask(vocabulary.PlainUpTo(lengths.Most), vocabulary.ClosingBetween(lengths.Least, lengths.Most));
        inside = new InsideMask(new uint[vocabulary.Words], new uint[vocabulary.Words]);
        var trie = vocabulary.Trie;
        _texts[0] = from;
        for (var node = 0; node < trie.Count;)
        {
            int depth = trie.Depths[node];
            var text = _texts[depth - 1];
            var next = trie.Bytes[node];
            if (next == '"' && text.Syntax == Automata.StringSyntax.Between)
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

        if (_inside.Count >= MasksMax)
            _inside.Clear();
        _inside.Add(from, inside);
        return inside;
    }
}
