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

    private readonly StateLayers<TState> _layers;
    private readonly int[] _at = new int[257];
    private int _alone;

    protected OutlineWalk(TokenVocabulary vocabulary)
    {
        Vocabulary = vocabulary;
        _layers = new StateLayers<TState>(Trials, Step);
    }

    protected TokenVocabulary Vocabulary { get; }

    /// <summary>
    /// Adds the tokens that may follow to a mask; false, and the mask holds none, where the states tell too much apart.
    /// </summary>
    /// <param name="from">The state, between two characters.</param>
    /// <param name="outline">The tokens.</param>
    /// <param name="mask">Holds no token.</param>
    protected bool TryFill(TState from, TokenOutline outline, Span<uint> mask)
    {
        _alone = 0;
        _at[0] = _layers.Begin(from, outline.Kinds);
        var trie = outline.Trie;
        if (SplitAtFirst(trie) > AloneMax)
            return false;
        for (var node = 0; node < trie.Count;)
        {
            int depth = trie.Depths[node];
            var kind = trie.Bytes[node];
            if (kind == TokenOutline.Quote)
            {
                var closing = trie.Entries.AsSpan(trie.FirstEntries[node]..trie.FirstEntries[node + 1]);
                if (!TryClose(_layers[_at[depth - 1]].States, closing) && !TryAlone(from, closing, mask))
                    return false;
                node = trie.Ends[node];
                continue;
            }

            var after = _layers.Step(_at[depth - 1], kind);
            if (after > 0)
            {
                _at[depth] = after;
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
    private int SplitAtFirst(TokenTrie trie)
    {
        var tokens = 0;
        for (var node = 0; node < trie.Count; node = trie.Ends[node])
        {
            if (trie.Bytes[node] != TokenOutline.Quote && _layers.Step(_at[0], trie.Bytes[node]) == StateLayers<TState>.Split)
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
