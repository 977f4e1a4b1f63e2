namespace Parley.Generator.Guides.Vocabulary;

/// <summary>
/// The tokens that begin with a quote and go on, without it: a small vocabulary with numbers of its own, so that what opens a string or key
/// is found as what goes on in one is.
/// </summary>
internal sealed class QuotedTokens
{
    private readonly int[] _ids;

    private QuotedTokens(int[] ids, TokenVocabulary vocabulary) => (_ids, Vocabulary) = (ids, vocabulary);

    /// <summary>What stands behind their quotes.</summary>
    public TokenVocabulary Vocabulary { get; }

    /// <summary>Those of a vocabulary, by id; null where it has none.</summary>
    public static QuotedTokens? Of(IReadOnlyList<byte[]?> tokens)
    {
        int[] ids = [.. Enumerable.Range(0, tokens.Count).Where(id => tokens[id] is [(byte)'"', _, ..] and { Length: <= 255 })];
        return ids.Length == 0
            ? null
            : new QuotedTokens(
                ids, new TokenVocabulary([.. ids.Select(id => tokens[id]![1..])], [], TokenNames.None, quoted: null, isWhole: false));
    }

    /// <summary>Adds them to a mask of all tokens.</summary>
    /// <param name="chosen">Mask of those that are added, by their numbers here.</param>
    /// <param name="mask">Receives them.</param>
    public void Add(ReadOnlySpan<uint> chosen, Span<uint> mask)
    {
        for (var word = 0; word < chosen.Length; word++)
        {
            for (var left = chosen[word]; left != 0; left &= left - 1)
            {
                var id = _ids[(word * 32) + System.Numerics.BitOperations.TrailingZeroCount(left)];
                mask[id >> 5] |= 1u << id;
            }
        }
    }
}
