using System.Runtime.InteropServices;
using Parley.Generator.Guides.Automata;

namespace Parley.Generator.Guides.Vocabulary;

/// <summary>
/// A tokenizer's tokens as bytes, prepared for masks: a tree of all of them; which of them stay inside a JSON string of which nothing is
/// asked; and
/// those that end one, by what stands behind the quote. Made once for a model; safe for several threads.
/// </summary>
internal sealed class TokenVocabulary
{
    private const int ShortWalkMax = 2_000;
    private readonly int[][] _closing;
    private readonly List<(int Id, int Characters)> _closingLengths = [];
    private readonly uint[][] _plainUpTo;

    /// <summary>Prepares a vocabulary.</summary>
    /// <param name="tokens">Bytes by id; null for ids that are no text (special tokens, gaps). Tokens beyond 255 bytes are never allowed
    /// by a guide.</param>
    /// <param name="ends">Ids that end a sequence.</param>
    /// <param name="names">Tokens that are no text and that a guide may name; none by default.</param>
    public TokenVocabulary(IReadOnlyList<byte[]?> tokens, IReadOnlyCollection<int> ends, TokenNames? names = null)
        : this(tokens, ends, names ?? TokenNames.None, QuotedTokens.Of(tokens), isWhole: true)
    {
    }

    /// <summary>Prepares a vocabulary.</summary>
    /// <param name="tokens">Bytes by id.</param>
    /// <param name="ends">Ids that end a sequence.</param>
    /// <param name="names">Tokens that are no text and that a guide may name.</param>
    /// <param name="quoted">What opens a string or key; null: such tokens are walked like all others.</param>
    /// <param name="isWhole">Whether it serves texts other than JSON strings.</param>
    internal TokenVocabulary(
        IReadOnlyList<byte[]?> tokens, IReadOnlyCollection<int> ends, TokenNames names, QuotedTokens? quoted, bool isWhole)
    {
        (Names, Quoted) = (names, quoted);
        Tokens = tokens;
        Ends = [.. ends];
        Words = (tokens.Count + 31) / 32;
        Trie = new TokenTrie(tokens.Select((text, id) => (text!, id)).Where(token => token.Item1 is { Length: > 0 and <= 255 }));
        Plain = new uint[Words];
        Closing = new uint[Words];
        var suffixes = new Dictionary<string, List<int>>();
        var byLength = new List<List<int>>();
        foreach (var (id, text) in Trie.Entries.Select(id => (id, tokens[id]!)))
        {
            switch (Inside(text))
            {
                case < 0:
                    continue;
                case var end when end == text.Length:
                    Plain[id >> 5] |= 1u << id;
                    var length = Characters(text);
                    while (byLength.Count <= length)
                        byLength.Add([]);
                    byLength[length].Add(id);
                    continue;
                case var end:
                    Closing[id >> 5] |= 1u << id;
                    _closingLengths.Add((id, Characters(text.AsSpan(0, end))));
                    var suffix = Convert.ToHexString(text.AsSpan(end + 1));
                    (CollectionsMarshal.GetValueRefOrAddDefault(suffixes, suffix, out _) ??= []).Add(id);
                    break;
            }
        }

        // The quote itself is a first byte, so that a token that ends with it has a node too.
        var distinct = suffixes.Keys.ToArray();
        _closing = [.. distinct.Select(suffix => suffixes[suffix].ToArray())];
        ClosingTrie = new TokenTrie(distinct.Select((suffix, number) => ((byte[])[(byte)'"', .. Convert.FromHexString(suffix)], number))
            .Where(text => text.Item1.Length <= 255));
        _plainUpTo = UpTo(byLength);
        Children = new TokenChildren(Trie);
        Outlines = [.. CharacterKinds.All.Select(kinds =>
            new TokenOutline(kinds, Numbered(Trie.Entries.Where(IsInside)), Words, inString: true))];
        TextOutlines = !isWhole
            ? []
            : [.. CharacterKinds.All.Select(kinds => new TokenOutline(kinds, Numbered(Trie.Entries), Words, inString: false))];
        ClosingTexts = new TokenTrie(Numbered(Trie.Entries.Where(id => (Closing[id >> 5] >> id & 1) != 0)), areSorted: true);
        Repeating = [.. ClosingTexts.Entries.Where(id => tokens[id].AsSpan(Inside(tokens[id]) + 1).Count((byte)'"') > 1)];
    }

    /// <summary>Bytes by id.</summary>
    public IReadOnlyList<byte[]?> Tokens { get; }

    /// <summary>Ids that end a sequence.</summary>
    public int[] Ends { get; }

    /// <summary>Tokens that are no text and that a guide may name.</summary>
    public TokenNames Names { get; }

    /// <summary>The tokens that open a string or key and go on, without their quote; null where none are told apart.</summary>
    public QuotedTokens? Quoted { get; }

    /// <summary>Words of 32 bits in a mask.</summary>
    public int Words { get; }

    /// <summary>All tokens that are text.</summary>
    public TokenTrie Trie { get; }

    /// <summary>The same tree, looked up by bytes.</summary>
    public TokenChildren Children { get; }

    /// <summary>Mask of the tokens that may stand inside a JSON string between two characters, and stay inside.</summary>
    public uint[] Plain { get; }

    /// <summary>Mask of the tokens that may stand there, and end it.</summary>
    public uint[] Closing { get; }

    /// <summary>
    /// The closing quote and what stands behind it, of the tokens of <see cref="Closing"/>; numbers are those of <see
    /// cref="ClosingTokens"/>.
    /// </summary>
    public TokenTrie ClosingTrie { get; }

    /// <summary>The tokens that can stand within a JSON string, by the kinds of their characters, the coarsest alphabet first.</summary>
    public TokenOutline[] Outlines { get; }

    /// <summary>All tokens as they stand, in the same way; none where the vocabulary is only for what opens strings.</summary>
    public TokenOutline[] TextOutlines { get; }

    /// <summary>The tokens of <see cref="Closing"/> that may hold another string as a whole behind the one that they end.</summary>
    public int[] Repeating { get; }

    /// <summary>The tree of the tokens of <see cref="Closing"/>.</summary>
    public TokenTrie ClosingTexts { get; }

    /// <summary>Nodes of <see cref="Trie"/> that a walk may look at before the tokens' outlines are tried: few, of a large tree.</summary>
    public int ShortWalk => Math.Min(ShortWalkMax, Trie.Count / 8);

    /// <summary>Characters of the longest token that stays inside a string.</summary>
    public int CharactersMax => _plainUpTo.Length - 1;

    /// <summary>The tokens that have this text from the closing quote on.</summary>
    public int[] ClosingTokens(int number) => _closing[number];

    /// <summary>Mask of the tokens of <see cref="Plain"/> that have so many characters at most.</summary>
    public uint[] PlainUpTo(int characters) => characters < _plainUpTo.Length ? _plainUpTo[characters] : Plain;

    /// <summary>Finds the tokens of <see cref="Closing"/> that have between so many characters before their quote.</summary>
    /// <param name="least">At least so many.</param>
    /// <param name="most">At most so many.</param>
    /// <param name="mask">Their mask; overwritten.</param>
    public void FindClosing(int least, int most, Span<uint> mask)
    {
        if (least <= 0 && most >= 255)
        {
            Closing.CopyTo(mask);
            return;
        }

        mask.Clear();
        foreach (var (id, characters) in _closingLengths)
        {
            if (characters >= least && characters <= most)
                mask[id >> 5] |= 1u << id;
        }
    }

    private bool IsInside(int id) => Inside(Tokens[id]) >= 0;

    private IEnumerable<(byte[] Text, int Number)> Numbered(IEnumerable<int> ids) => ids.Select(id => (Tokens[id]!, id));

    private uint[][] UpTo(List<List<int>> byLength)
    {
        var masks = new uint[byLength.Count][];
        var mask = new uint[Words];
        for (var length = 0; length < masks.Length; length++)
        {
            foreach (var id in byLength[length])
                mask[id >> 5] |= 1u << id;
            masks[length] = [.. mask];
        }

        return masks;
    }

    /// <summary>Characters that begin in a text, which is well-formed within a JSON string.</summary>
    private static int Characters(ReadOnlySpan<byte> text)
    {
        var characters = 0;
        var state = StringSyntax.Between;
        foreach (var next in text)
        {
            if (state == StringSyntax.Between)
                characters++;
            state = StringSyntax.Step(state, next);
        }

        return characters;
    }

    /// <summary>How many bytes lie inside the string before its closing quote; −1 when it can't hold them.</summary>
    internal static int Inside(ReadOnlySpan<byte> text)
    {
        var state = StringSyntax.Between;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '"' && state == StringSyntax.Between)
                return i;
            state = StringSyntax.Step(state, text[i]);
            if (state == StringSyntax.Fault)
                return -1;
        }

        return text.Length;
    }
}
