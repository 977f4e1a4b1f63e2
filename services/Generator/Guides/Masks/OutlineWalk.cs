using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// Finds the tokens that may follow by the kinds of their characters: what the states do not tell apart is stepped once, however many
/// tokens it is. Where a few tokens are told apart after all, they are looked at one by one.
/// </summary>
internal abstract class OutlineWalk<TState>
    where TState : LocalState
{
    /// <summary>Tokens that may be looked at one by one before a finer alphabet is taken.</summary>
    private const int AloneMax = 2_048;

    private int _alone;

    protected OutlineWalk(TokenVocabulary vocabulary) => Vocabulary = vocabulary;

    protected TokenVocabulary Vocabulary { get; }

    /// <summary>
    /// Adds the tokens that may follow to a mask; false, and the mask holds none, where the states tell too much apart.
    /// </summary>
    /// <param name="from">The state, between two characters.</param>
    /// <param name="outline">The tokens.</param>
    /// <param name="mask">Holds no token.</param>
    protected bool TryFill(TState from, TokenOutline outline, Span<uint> mask)
    {
        var layers = StateLayers<TState>.Take(Trials, Step);
        var isFilled = TryFill(layers, from, outline, mask);
        layers.Release();
        return isFilled;
    }

    private bool TryFill(StateLayers<TState> layers, TState from, TokenOutline outline, Span<uint> mask)
    {
        _alone = 0;
        var trie = outline.Trie;
        Span<int> at = stackalloc int[byte.MaxValue + 2];
        at[0] = layers.Begin(from, outline.Kinds);
        if (SplitAtFirst(layers, at[0], trie) > AloneMax)
            return false;
        for (var node = 0; node < trie.Count;)
        {
            int depth = trie.Depths[node];
            var kind = trie.Bytes[node];
            if (kind == TokenOutline.Quote)
            {
                var closing = trie.Entries.AsSpan(trie.FirstEntries[node]..trie.FirstEntries[node + 1]);
                if (!TryClose(layers.StatesOf(at[depth - 1]), closing) && !TryAlone(from, closing, mask))
                    return false;
                node = trie.Ends[node];
                continue;
            }

            var after = layers.Step(at[depth - 1], kind);
            if (after > 0)
            {
                at[depth] = after;
                outline.Add(node, mask);
                node++;
                continue;
            }

            if (after == StateLayers<TState>.Split
                && !TryAlone(from, trie.Entries.AsSpan(trie.FirstEntries[node]..trie.FirstEntries[trie.Ends[node]]), mask))
            {
                return false;
            }

            node = trie.Ends[node];
        }

        return true;
    }

    /// <summary>Tokens that are told apart from their first characters on: seen beforehand, so that no work is done in vain.</summary>
    private static int SplitAtFirst(StateLayers<TState> layers, int first, TokenTrie trie)
    {
        var tokens = 0;
        for (var node = 0; node < trie.Count; node = trie.Ends[node])
        {
            if (trie.Bytes[node] != TokenOutline.Quote && layers.Step(first, trie.Bytes[node]) == StateLayers<TState>.Split)
                tokens += trie.FirstEntries[trie.Ends[node]] - trie.FirstEntries[node];
        }

        return tokens;
    }

    /// <summary>The bytes by which a state is tried on each kind: see <see cref="CharacterKinds.Trials"/>.</summary>
    protected abstract byte[][] Trials(TState state, CharacterKinds kinds);

    /// <summary>The state behind one more byte; null where no text can be ended from it.</summary>
    protected abstract TState? Step(TState state, byte next);

    /// <summary>Takes up tokens that end a string, with its states before the quote; false where that depends on the token.</summary>
    protected virtual bool TryClose(ReadOnlySpan<TState> states, ReadOnlySpan<int> tokens) => false;

    /// <summary>Adds one token, by its bytes.</summary>
    protected virtual void AddAlone(TState from, ReadOnlySpan<int> token, Span<uint> mask)
    {
        TState? state = from;
        foreach (var next in Vocabulary.Tokens[token[0]]!)
        {
            state = Step(state, next);
            if (state is null)
                return;
        }

        mask[token[0] >> 5] |= 1u << token[0];
    }

    private bool TryAlone(TState from, ReadOnlySpan<int> tokens, Span<uint> mask)
    {
        _alone += tokens.Length;
        if (_alone > AloneMax)
        {
            mask.Clear();
            return false;
        }

        for (var i = 0; i < tokens.Length; i++)
            AddAlone(from, tokens.Slice(i, 1), mask);
        return true;
    }
}
