using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Earley;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// The masks of a grammar's places. That of a state depends on nothing else, so it is made once and kept; within a machine's part it is
/// made as that machine's masks are. Not safe for several threads.
/// </summary>
internal sealed class GrammarMasks(EarleyMachine machine, TokenVocabulary vocabulary)
{
    private const int KeptBytesMax = 8 << 20;
    private const int BuildersMax = 8;

    private static readonly bool[] AnyLength = [.. Enumerable.Repeat(true, TokenSlice.CharactersMax + 1)];

    private readonly Dictionary<GrammarState, uint[]> _kept = [];
    private readonly Dictionary<Embedding, MaskBuilder> _builders = [];
    private readonly TokenWalk _tokens = new(machine, vocabulary);

    /// <summary>Bytes of memory that the masks hold by now, roughly.</summary>
    public long Bytes => ((long)_kept.Count * vocabulary.Words * sizeof(uint)) + _builders.Values.Sum(builder => builder.Bytes);

    /// <summary>See <see cref="MaskBuilder.Fill"/>.</summary>
    public void Fill(Place place, Trail trail, Span<uint> mask)
    {
        if (place.State is EmbeddedState embedded)
        {
            Builder(embedded.At.Embedding).Fill(embedded.At.Inner, trail, mask);
            return;
        }

        if (place.State is not GrammarState state)
        {
            Make(place, trail, mask);
            return;
        }

        if (!_kept.TryGetValue(state, out var kept))
        {
            Make(place, trail, mask);
            if ((_kept.Count + 1L) * vocabulary.Words * sizeof(uint) > KeptBytesMax)
                _kept.Clear();
            kept = mask.ToArray();
            _kept.Add(state, kept);
        }

        kept.CopyTo(mask);
    }

    private MaskBuilder Builder(Embedding embedding)
    {
        if (!_builders.TryGetValue(embedding, out var builder))
        {
            if (_builders.Count >= BuildersMax)
                _builders.Clear();
            _builders.Add(embedding, builder = new MaskBuilder(new EmbeddedMachine(machine, embedding), vocabulary));
        }

        return builder;
    }

    private void Make(Place place, Trail trail, Span<uint> mask)
    {
        if (place.State is GrammarState { Items.Length: 0, Starts: [var only] })
        {
            Builder(only).Fill(only.Machine.Start, trail, mask);
        }
        else
        {
            mask.Clear();
            var trie = vocabulary.Trie;
            if (place.State is GrammarState { Starts.Length: 0 } state && Slice(state, trail) is { } slice)
            {
                slice.StayingUpTo(TokenSlice.CharactersMax).CopyTo(mask);
                trie = slice.Rest;
                var closing = new uint[vocabulary.Words];
                slice.AddClosing(AnyLength, closing);
                _tokens.AddClosing(place, ahead: false, closing, trail, mask);
            }

            _tokens.AddAll(trie, place, trail, mask);
        }

        AddTokens(place, mask);
        if (!machine.MayEnd(place))
            return;
        foreach (var end in vocabulary.Ends)
            mask[end >> 5] |= 1u << end;
    }

    private void AddTokens(Place place, Span<uint> mask)
    {
        if (EarleyMachine.Ways(place) is not { TakesTokens: true } ways)
            return;
        foreach (var (token, others) in machine.TokensFrom(ways).ToList())
        {
            if (token >= 0)
            {
                // A token that ends the sequence ends the text too: it must be allowed to.
                if (token < vocabulary.Tokens.Count
                    && (!vocabulary.Ends.Contains(token) || machine.StepToken(ways, token, isText: false) is { MayEnd: true }))
                {
                    mask[token >> 5] |= 1u << token;
                }

                continue;
            }

            foreach (var id in vocabulary.Trie.Entries)
            {
                if (!others.Contains(id))
                    mask[id >> 5] |= 1u << id;
            }
        }
    }

    /// <summary>The largest set of characters of which the state takes each and is the same behind it; null for none.</summary>
    private TokenSlice? Slice(GrammarState state, Trail trail)
    {
        foreach (var slice in vocabulary.Slices)
        {
            if (Takes(state, slice, trail))
                return slice;
        }

        return null;
    }

    private bool Takes(GrammarState state, TokenSlice slice, Trail trail)
    {
        var place = new Place(state, null);
        foreach (var next in slice.Ascii)
        {
            if (!machine.TryStep(place, next, trail, out var after) || after != place)
                return false;
        }

        return !slice.IsForeign || TakesForeign(place, trail);
    }

    private bool TakesForeign(Place place, Trail trail)
    {
        // Of the line and paragraph separator, which the slices leave out, it does not matter; a grammar that tells them apart is walked.
        var pending = new Stack<(Place Place, byte Syntax)>([(place, Utf8Syntax.Between)]);
        var seen = new HashSet<(Place, byte)>();
        while (pending.TryPop(out var at))
        {
            for (var next = 0x80; next < 0x100; next++)
            {
                var syntax = Utf8Syntax.Step(at.Syntax, (byte)next);
                if (syntax == Utf8Syntax.Fault)
                    continue;
                if (!machine.TryStep(at.Place, (byte)next, trail, out var after) || (syntax == Utf8Syntax.Between && after != place))
                    return false;
                if (syntax != Utf8Syntax.Between && seen.Add((after, syntax)))
                    pending.Push((after, syntax));
            }
        }

        return true;
    }
}
