using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// Finds the tokens that may follow within a string by the kinds of their characters: what the states do not tell apart is stepped once,
/// however many tokens it is. Where a few tokens are told apart after all, they are looked at one by one.
/// </summary>
internal sealed class OutlineWalk(TokenVocabulary vocabulary)
{
    /// <summary>Tokens that may be looked at one by one before a finer alphabet is taken.</summary>
    private const int AloneMax = 2_048;

    private readonly TextLayers _layers = new();
    private readonly int[] _at = new int[257];
    private readonly List<ClosingGroup> _groups = [];
    private Func<TextState, bool> _isLive = _ => true;
    private TextState _from = null!;
    private int _groupCount;
    private int _alone;

    /// <summary>The tokens that end the string, by the verdicts with which they do.</summary>
    public ReadOnlySpan<ClosingGroup> Closing => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_groups)[.._groupCount];

    /// <summary>
    /// Adds the tokens that may follow and stay inside to a mask; false, and the mask holds none, where the states tell too much apart.
    /// </summary>
    /// <param name="from">The state, between two characters.</param>
    /// <param name="outline">The tokens.</param>
    /// <param name="isLive">Whether the whole text can still be ended from a state.</param>
    /// <param name="mask">Holds no token.</param>
    public bool TryFill(TextState from, TokenOutline outline, Func<TextState, bool> isLive, Span<uint> mask)
    {
        (_from, _isLive, _groupCount, _alone) = (from, isLive, 0, 0);
        _at[0] = _layers.Begin(from, outline.Kinds, isLive);
        var trie = outline.Trie;
        for (var node = 0; node < trie.Count;)
        {
            int depth = trie.Depths[node];
            var kind = trie.Bytes[node];
            if (kind == TokenOutline.Quote)
            {
                if (!TryClose(_layers[_at[depth - 1]].States, trie.Entries.AsSpan(trie.FirstEntries[node]..trie.FirstEntries[node + 1]), mask))
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

            if (after == TextLayers.Split
                && !TryAlone(trie.Entries.AsSpan(trie.FirstEntries[node]..trie.FirstEntries[trie.Ends[node]]), mask))
            {
                return false;
            }

            node = trie.Ends[node];
        }

        return true;
    }

    /// <summary>Sorts tokens that end the string by what it ends with.</summary>
    private bool TryClose(ReadOnlySpan<TextState> states, ReadOnlySpan<int> tokens, Span<uint> mask)
    {
        var verdicts = states[0].End();
        foreach (var state in states[1..])
        {
            if (state.End() != verdicts)
                return TryAlone(tokens, mask);
        }

        if (verdicts is { } alike)
            Group(alike, states[0], tokens);
        return true;
    }

    private bool TryAlone(ReadOnlySpan<int> tokens, Span<uint> mask)
    {
        _alone += tokens.Length;
        if (_alone > AloneMax)
        {
            mask.Clear();
            return false;
        }

        for (var i = 0; i < tokens.Length; i++)
            AddAlone(tokens.Slice(i, 1), mask);
        return true;
    }

    private void AddAlone(ReadOnlySpan<int> token, Span<uint> mask)
    {
        var text = _from;
        foreach (var next in vocabulary.Tokens[token[0]]!)
        {
            if (next == '"' && text.Syntax == StringSyntax.Between)
            {
                if (text.End() is { } verdicts)
                    Group(verdicts, text, token);
                return;
            }

            if (text.Next(next) is not { } after)
                return;
            text = after;
        }

        if (_isLive(text))
            mask[token[0] >> 5] |= 1u << token[0];
    }

    private void Group(Outcomes verdicts, TextState text, ReadOnlySpan<int> tokens)
    {
        var group = 0;
        while (group < _groupCount && _groups[group].Verdicts != verdicts)
            group++;
        if (group == _groupCount)
        {
            var used = group < _groups.Count ? _groups[group].Tokens : new uint[vocabulary.Words];
            Array.Clear(used);
            if (group == _groups.Count)
                _groups.Add(default);
            _groups[group] = new ClosingGroup(verdicts, text, used);
            _groupCount++;
        }

        var mask = _groups[group].Tokens;
        foreach (var id in tokens)
            mask[id >> 5] |= 1u << id;
    }
}
