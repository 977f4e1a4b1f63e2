using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Parley.Generator.Guides.Automata;

namespace Parley.Generator.Guides.Vocabulary;

/// <summary>
/// The tree of a vocabulary's tokens by the kinds of their characters: of ten thousands of words that differ in their letters alone only a
/// few dozen nodes are left, each with all of its tokens.
/// </summary>
internal sealed class TokenOutline
{
    /// <summary>The byte of <see cref="Trie"/> that stands for the quote that ends a string.</summary>
    public const byte Quote = byte.MaxValue;

    /// <summary>Tokens from which a node has a mask of them.</summary>
    private const int MaskedMin = 256;

    private readonly uint[]?[] _masks;

    /// <summary>Sorts tokens.</summary>
    /// <param name="kinds">The alphabet.</param>
    /// <param name="tokens">Texts with their numbers, in the order of their bytes.</param>
    /// <param name="words">Words of a mask.</param>
    /// <param name="inString">They stand within JSON strings: a quote ends one, and what must be escaped is left out.</param>
    public TokenOutline(CharacterKinds kinds, IEnumerable<(byte[] Text, int Number)> tokens, int words, bool inString)
    {
        Kinds = kinds;
        var sorted = new List<(byte[], int)>();
        var rest = new List<(byte[], int)>();
        var buffer = new List<byte>();
        foreach (var token in tokens)
        {
            if (TryOutline(token.Text, inString, buffer))
                sorted.Add(([.. buffer], token.Number));
            else
                rest.Add(token);
        }

        Trie = new TokenTrie(sorted);
        Rest = new TokenTrie(rest, areSorted: true);
        _masks = new uint[]?[Trie.Count];
        for (var node = 0; node < Trie.Count; node++)
        {
            if (Trie.Bytes[node] == Quote || Trie.FirstEntries[node + 1] - Trie.FirstEntries[node] < MaskedMin)
                continue;
            _masks[node] = new uint[words];
            Trie.Set(Trie.FirstEntries[node], Trie.FirstEntries[node + 1], _masks[node]);
        }
    }

    /// <summary>The alphabet.</summary>
    public CharacterKinds Kinds { get; }

    /// <summary>The tokens by the kinds of their characters, up to the quote that ends a string.</summary>
    public TokenTrie Trie { get; }

    /// <summary>The tokens that have other characters too, or parts of characters, by their bytes.</summary>
    public TokenTrie Rest { get; }

    /// <summary>Adds a node's own tokens to a mask.</summary>
    public void Add(int node, Span<uint> mask)
    {
        if (_masks[node] is not { } all)
        {
            Trie.Set(Trie.FirstEntries[node], Trie.FirstEntries[node + 1], mask);
            return;
        }

        var from = MemoryMarshal.Cast<uint, Vector<uint>>(all);
        var to = MemoryMarshal.Cast<uint, Vector<uint>>(mask);
        for (var i = 0; i < from.Length; i++)
            to[i] |= from[i];
        for (var i = from.Length * Vector<uint>.Count; i < all.Length; i++)
            mask[i] |= all[i];
    }

    private bool TryOutline(ReadOnlySpan<byte> text, bool inString, List<byte> outline)
    {
        outline.Clear();
        while (text.Length > 0)
        {
            if (inString && text[0] == '"')
            {
                outline.Add(Quote);
                return true;
            }

            if (Rune.DecodeFromUtf8(text, out var rune, out var length) != OperationStatus.Done
                || (inString && rune.Value is < ' ' or '\\') || Kinds.Of(rune.Value) is var kind && kind == CharacterKinds.None)
            {
                return false;
            }

            outline.Add(kind);
            text = text[length..];
        }

        return true;
    }
}
