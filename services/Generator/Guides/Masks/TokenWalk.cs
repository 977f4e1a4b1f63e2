using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>Walks a tree of tokens together with the machine, and leaves out what it does not take.</summary>
internal sealed class TokenWalk(GuideMachine machine, TokenVocabulary vocabulary)
{
    private readonly Place[] _places = new Place[vocabulary.Trie.DepthMax + 2];

    /// <summary>Adds the tokens of a tree of which every byte is taken.</summary>
    public void AddAll(TokenTrie trie, Place place, Trail trail, Span<uint> mask) =>
        Add(trie, (0, trie.Count), (place, 0, false), trail, mask, []);

    /// <summary>The same; false, and the mask holds some of them, where the tree has more nodes to look at than these.</summary>
    public bool TryAddAll(TokenTrie trie, Place place, Trail trail, Span<uint> mask, int nodesMax) =>
        Add(trie, (0, trie.Count), (place, 0, false), trail, mask, [], nodesMax);

    /// <summary>Adds the tokens below a node of which every byte behind it is taken.</summary>
    /// <param name="node">The vocabulary's node.</param>
    /// <param name="place">Behind its byte.</param>
    /// <param name="trail">The text up to there.</param>
    /// <param name="mask">Receives them.</param>
    public void AddBelow(int node, Place place, Trail trail, Span<uint> mask) => Add(
        vocabulary.Trie, (node + 1, vocabulary.Trie.Ends[node]), (place, vocabulary.Trie.Depths[node], false), trail, mask, []);

    /// <summary>Adds the tokens of a subtree that begins with the quote that ends a string or key.</summary>
    /// <param name="trie">The tree.</param>
    /// <param name="top">The quote's node.</param>
    /// <param name="place">Before the quote.</param>
    /// <param name="ahead">Whether the place stands for any before the quote: what follows is the same.</param>
    /// <param name="trail">The text up to there.</param>
    /// <param name="mask">Receives them.</param>
    public void AddBehind(TokenTrie trie, int top, Place place, bool ahead, Trail trail, Span<uint> mask) =>
        Add(trie, (top, trie.Ends[top]), (place, trie.Depths[top] - 1, ahead), trail, mask, []);

    /// <summary>Adds, of tokens that may end the string, those whose rest is taken.</summary>
    /// <param name="place">Before the closing quote.</param>
    /// <param name="ahead">As in <see cref="AddBehind"/>.</param>
    /// <param name="closing">Mask of the tokens.</param>
    /// <param name="trail">The text up to there.</param>
    /// <param name="mask">Receives them.</param>
    public void AddClosing(Place place, bool ahead, ReadOnlySpan<uint> closing, Trail trail, Span<uint> mask) =>
        Add(vocabulary.ClosingTrie, (0, vocabulary.ClosingTrie.Count), (place, 0, ahead), trail, mask, closing);

    private bool Add(
        TokenTrie trie, (int First, int End) nodes, (Place Place, int Depth, bool Ahead) from, Trail trail, Span<uint> mask,
        ReadOnlySpan<uint> closing, int nodesMax = int.MaxValue)
    {
        var length = trail.Length;
        _places[from.Depth] = from.Place;
        for (var node = nodes.First; node < nodes.End;)
        {
            if (--nodesMax < 0)
            {
                trail.Length = length;
                return false;
            }

            int depth = trie.Depths[node];
            trail.Length = length + depth - from.Depth - 1;
            var next = trie.Bytes[node];

            // Ahead: the string need not be able to end right here, for the tokens have characters before their quotes.
            var taken = from.Ahead && depth == from.Depth + 1
                ? machine.TryLeave(_places[depth - 1], out var after)
                : machine.TryStep(_places[depth - 1], next, trail, out after);
            if (!taken || !machine.IsLive(after))
            {
                node = trie.Ends[node];
                continue;
            }

            trail.Add(next);
            _places[depth] = after;
            if (closing.IsEmpty)
                trie.Set(trie.FirstEntries[node], trie.FirstEntries[node + 1], mask);
            else
                AddSome(trie.Entries.AsSpan(trie.FirstEntries[node]..trie.FirstEntries[node + 1]), closing, mask);
            node++;
        }

        trail.Length = length;
        return true;
    }

    private void AddSome(ReadOnlySpan<int> suffixes, ReadOnlySpan<uint> closing, Span<uint> mask)
    {
        foreach (var suffix in suffixes)
        {
            foreach (var id in vocabulary.ClosingTokens(suffix))
                mask[id >> 5] |= closing[id >> 5] & (1u << id);
        }
    }
}
