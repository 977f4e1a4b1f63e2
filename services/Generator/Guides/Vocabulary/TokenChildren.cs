namespace Parley.Generator.Guides.Vocabulary;

/// <summary>The nodes right below each node of a tree, so that a byte's node is found without a walk over its siblings.</summary>
internal sealed class TokenChildren
{
    private readonly TokenTrie _trie;
    private readonly int[] _first;
    private readonly int[] _children;

    public TokenChildren(TokenTrie trie)
    {
        _trie = trie;
        _first = new int[trie.Count + 2];
        _children = new int[trie.Count];
        var count = 0;
        for (var node = -1; node < trie.Count; node++)
        {
            _first[node + 1] = count;
            var end = node < 0 ? trie.Count : trie.Ends[node];
            for (var child = node + 1; child < end; child = trie.Ends[child])
                _children[count++] = child;
        }

        _first[trie.Count + 1] = count;
    }

    /// <summary>The node behind one more byte; −1 where the tree has none.</summary>
    /// <param name="node">A node; −1 for the root.</param>
    /// <param name="next">The byte.</param>
    public int Find(int node, byte next)
    {
        var (low, high) = (_first[node + 1], _first[node + 2] - 1);
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            var found = _trie.Bytes[_children[middle]];
            if (found == next)
                return _children[middle];
            if (found < next)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return -1;
    }
}
