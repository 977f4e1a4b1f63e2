namespace Parley.TokenizerFormat;

/// <summary>
/// Merges for vocabularies that list none: every way to cut a token into two others, in the order in which the reference's conversion
/// ranks them.
/// </summary>
internal static class MergeBuilder
{
    private const int TokenCharactersMax = 2048;

    /// <summary>The merges of a vocabulary whose ids are ranks (tiktoken).</summary>
    public static MergeTable FromRanks(Dictionary<string, int> vocabulary)
    {
        var cuts = new List<Cut>();
        foreach (var (token, id) in vocabulary)
            AddCuts(vocabulary, token, id, cuts);
        cuts.Sort(static (one, other) => (one.Merged, one.Left, one.Right).CompareTo((other.Merged, other.Left, other.Right)));
        return ToTable(cuts);
    }

    /// <summary>The merges of a vocabulary with scores (SentencePiece): the highest score first, then the longest left part.</summary>
    /// <param name="vocabulary">All tokens.</param>
    /// <param name="products">The tokens that merging may make, in the order of their ids, with their scores.</param>
    public static MergeTable FromScores(Dictionary<string, int> vocabulary, IEnumerable<(string Token, float Score)> products)
    {
        var ranked = new List<(Cut Cut, float Score, int LeftLength, int RightLength)>();
        var cuts = new List<Cut>();
        foreach (var (token, score) in products)
        {
            cuts.Clear();
            AddCuts(vocabulary, token, vocabulary[token], cuts);
            cuts.Sort(static (one, other) => (one.Left, one.Right).CompareTo((other.Left, other.Right)));
            foreach (var cut in cuts)
                ranked.Add((cut, score, Characters(token.AsSpan(0, cut.At)), Characters(token.AsSpan(cut.At))));
        }

        // A stable sort: what is equal keeps the order of the ids.
        return ToTable(ranked.OrderByDescending(item => item.Score).ThenByDescending(item => item.LeftLength)
            .ThenByDescending(item => item.RightLength).Select(item => item.Cut));
    }

    /// <summary>Each cut reads the whole token, so a few of a million characters would take years.</summary>
    /// <exception cref="InvalidDataException">A token is too long.</exception>
    private static void AddCuts(Dictionary<string, int> vocabulary, string token, int id, List<Cut> cuts)
    {
        if (token.Length > TokenCharactersMax)
        {
            throw new InvalidDataException(
                $"The tokenizer's vocabulary has a token {id} of {token.Length} characters; at most {TokenCharactersMax} are allowed.");
        }

        var lookup = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var at = 1; at < token.Length; at++)
        {
            if (lookup.TryGetValue(token.AsSpan(0, at), out var left) && lookup.TryGetValue(token.AsSpan(at), out var right))
                cuts.Add(new Cut(left, right, id, at));
        }
    }

    private static MergeTable ToTable(IEnumerable<Cut> cuts)
    {
        var table = new MergeTable(1 << 16);
        var rank = 0;
        foreach (var cut in cuts)
            table.Add(cut.Left, cut.Right, rank++, cut.Merged);
        table.Complete();
        return table;
    }

    private static int Characters(ReadOnlySpan<char> text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes())
            count++;
        return count;
    }

    private readonly record struct Cut(int Left, int Right, int Merged, int At);
}
