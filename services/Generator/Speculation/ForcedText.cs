using Parley.Generator.Guides;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Speculation;

/// <summary>
/// Tokens that a guide leaves no choice about, as a draft: a key, a closing bracket. The text is certain, how the model cuts it is not;
/// the longest pieces first is how a tokenizer mostly does.
/// </summary>
internal static class ForcedText
{
    /// <summary>More bytes than a draft's tokens have; what goes beyond is drafted in the next step.</summary>
    private const int BytesMax = 128;

    /// <summary>Finds the tokens that must come next: special ones of a tag, then those of the text behind them.</summary>
    /// <param name="matcher">Where the answer stands; as before afterwards.</param>
    /// <param name="draft">Receives the tokens.</param>
    /// <returns>How many there are.</returns>
    public static int Find(GuideMatcher matcher, Span<uint> draft)
    {
        var mark = matcher.Mark;
        var count = 0;
        try
        {
            while (count < draft.Length && matcher.FindForcedToken() is >= 0 and var token && matcher.TryTake(token))
                draft[count++] = (uint)token;
            count += FindText(matcher, draft[count..]);
        }
        catch (GuideException)
        {
            // Whether anything may follow is the mask's to say; a draft need not be.
        }

        matcher.Return(mark);
        return count;
    }

    private static int FindText(GuideMatcher matcher, Span<uint> draft)
    {
        Span<byte> text = stackalloc byte[BytesMax];
        ReadOnlySpan<byte> left = text[..matcher.FindForced(text)];
        var count = 0;
        while (count < draft.Length && Longest(matcher.Guide.Vocabulary, left, out var token, out var taken))
        {
            draft[count++] = (uint)token;
            left = left[taken..];
        }

        return count;
    }

    /// <summary>How many tokens of a draft the guide allows, one after the other.</summary>
    public static int CountAllowed(GuideMatcher matcher, ReadOnlySpan<uint> draft)
    {
        var mark = matcher.Mark;
        var count = 0;
        try
        {
            while (count < draft.Length && matcher.TryTake((int)draft[count]))
                count++;
        }
        catch (GuideException)
        {
            // As above.
        }

        matcher.Return(mark);
        return count;
    }

    private static bool Longest(TokenVocabulary vocabulary, ReadOnlySpan<byte> text, out int token, out int length)
    {
        var trie = vocabulary.Trie;
        (token, length) = (-1, 0);
        var (node, end, depth) = (0, trie.Count, 0);
        while (node < end && depth < text.Length)
        {
            if (trie.Bytes[node] != text[depth])
            {
                node = trie.Ends[node];
                continue;
            }

            depth++;
            if (trie.FirstEntries[node] < trie.FirstEntries[node + 1])
                (token, length) = (trie.Entries[trie.FirstEntries[node]], depth);
            (end, node) = (trie.Ends[node], node + 1);
        }

        return length > 0;
    }
}
