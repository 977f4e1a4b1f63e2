namespace Parley.Generator.Guides.Vocabulary;

/// <summary>
/// Tokens that keep to some characters inside a JSON string, so many at most: where every text of these characters may stand, all of the
/// tokens are known at once, and only the rest is walked.
/// </summary>
internal sealed class TokenSlice
{
    /// <summary>Longer tokens belong to the rest; they are few.</summary>
    public const int CharactersMax = 24;

    private readonly uint[][] _stayingUpTo;
    private readonly List<(int Id, int Characters)> _closing = [];

    /// <summary>Picks the tokens of a vocabulary.</summary>
    /// <param name="ascii">The characters below 128 that belong to it.</param>
    /// <param name="isForeign">Whether all characters from 128 on belong to it, line and paragraph separator aside.</param>
    /// <param name="vocabulary">All tokens.</param>
    public TokenSlice(byte[] ascii, bool isForeign, TokenVocabulary vocabulary)
    {
        (Ascii, IsForeign) = (ascii, isForeign);
        var rest = new List<(byte[], int)>();
        var staying = new List<(int Id, int Characters)>();
        foreach (var id in vocabulary.Trie.Entries)
        {
            var text = vocabulary.Tokens[id]!;
            var end = TokenVocabulary.Inside(text);
            if (end < 0 || Count(text.AsSpan(0, end)) is not (>= 0 and <= CharactersMax and var characters))
                rest.Add((text, id));
            else
                (end == text.Length ? staying : _closing).Add((id, characters));
        }

        Rest = new TokenTrie(rest, areSorted: true);
        Closing = new TokenTrie(_closing.Select(token => (vocabulary.Tokens[token.Id]!, token.Id)), areSorted: true);
        _stayingUpTo = new uint[CharactersMax + 1][];
        var mask = new uint[vocabulary.Words];
        for (var length = 0; length <= CharactersMax; length++)
        {
            foreach (var (id, characters) in staying)
            {
                if (characters == length)
                    mask[id >> 5] |= 1u << id;
            }

            _stayingUpTo[length] = [.. mask];
        }
    }

    /// <summary>The characters below 128 that belong to it.</summary>
    public byte[] Ascii { get; }

    /// <summary>Whether all characters from 128 on belong to it, line and paragraph separator aside.</summary>
    public bool IsForeign { get; }

    /// <summary>All other tokens.</summary>
    public TokenTrie Rest { get; }

    /// <summary>Its tokens that end the string.</summary>
    public TokenTrie Closing { get; }

    /// <summary>The mask of its tokens that stay inside the string and have so many characters at most.</summary>
    public uint[] StayingUpTo(int characters) => _stayingUpTo[characters];

    /// <summary>Adds its tokens that end the string behind so many characters, to a mask.</summary>
    /// <param name="endsBehind">By the number of characters.</param>
    /// <param name="mask">Receives them.</param>
    public void AddClosing(ReadOnlySpan<bool> endsBehind, Span<uint> mask)
    {
        foreach (var (id, characters) in _closing)
        {
            if (endsBehind[characters])
                mask[id >> 5] |= 1u << id;
        }
    }

    /// <summary>Characters of a text of the slice; −1 for any other.</summary>
    private int Count(ReadOnlySpan<byte> text)
    {
        var characters = 0;
        for (; text.Length > 0; characters++)
        {
            if (System.Text.Rune.DecodeFromUtf8(text, out var rune, out var length) != System.Buffers.OperationStatus.Done)
                return -1;
            if (rune.IsAscii ? !Ascii.AsSpan().Contains((byte)rune.Value) : !IsForeign || rune.Value is 0x2028 or 0x2029)
                return -1;
            text = text[length..];
        }

        return characters;
    }
}
