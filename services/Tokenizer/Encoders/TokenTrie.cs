using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Encoders;

/// <summary>All tokens by their characters, for finding every token that begins at a position.</summary>
internal sealed class TokenTrie
{
    public const int Root = 0;

    // Node and character → token that ends there and node: the same shape as a pair of tokens → rank and token.
    private readonly MergeTable _edges = new(1 << 12);
    private int _nodes = 1;

    /// <summary>Adds a token; of two with the same text the later one holds.</summary>
    public void Add(string token, int id)
    {
        var node = Root;
        for (var i = 0; i < token.Length; i++)
        {
            var known = _edges.Find(node, token[i], out var child);
            if (child < 0)
                child = _nodes++;
            _edges.Add(node, token[i], i == token.Length - 1 ? id : known, child);
            node = child;
        }
    }

    /// <summary>Follows a character.</summary>
    /// <param name="node">The node, which becomes the next one.</param>
    /// <param name="character">The character.</param>
    /// <param name="id">The token that ends with this character, or −1.</param>
    /// <returns>Whether any token goes on with it.</returns>
    public bool TryNext(ref int node, char character, out int id)
    {
        id = _edges.Find(node, character, out node);
        if (id == MergeTable.NoRank)
            id = -1;
        return node >= 0;
    }
}
