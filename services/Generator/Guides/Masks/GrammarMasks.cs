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

    private readonly Dictionary<GrammarState, uint[]> _kept = [];
    private readonly Dictionary<Embedding, MaskBuilder> _builders = [];
    private readonly TokenWalk _tokens = new(machine, vocabulary);
    private readonly GrammarOutlines _outlines = new(machine, vocabulary);

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
            if (!_tokens.TryAddAll(vocabulary.Trie, place, trail, mask, vocabulary.ShortWalk))
                FillLong(place, trail, mask);
        }

        AddTokens(place, mask);
        if (!machine.MayEnd(place))
            return;
        foreach (var end in vocabulary.Ends)
            mask[end >> 5] |= 1u << end;
    }

    private void FillLong(Place place, Trail trail, Span<uint> mask)
    {
        var trie = vocabulary.Trie;
        if (place.State is not GrammarState { Starts.Length: 0 } state || !_outlines.TryFill(state, trail, mask, out trie))
        {
            trie = vocabulary.Trie;
            mask.Clear();
        }

        _tokens.AddAll(trie, place, trail, mask);
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
}
