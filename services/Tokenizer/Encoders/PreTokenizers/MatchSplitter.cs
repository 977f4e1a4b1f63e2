namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>A step that finds matches and cuts the text at them in one of the five ways.</summary>
internal abstract class MatchSplitter(SplitBehavior behavior, bool invert) : PreTokenizerStep
{
    [ThreadStatic]
    private static List<(int Start, int Length)>? _matches;

    /// <summary>Appends the matches in order; they do not overlap.</summary>
    protected abstract void FindMatches(ReadOnlySpan<char> text, List<(int Start, int Length)> matches);

    public sealed override void Apply(in TextPiece piece, List<TextPiece> pieces)
    {
        var matches = _matches ??= [];
        matches.Clear();
        FindMatches(piece.Span, matches);
        if (behavior == SplitBehavior.MergedWithNext)
        {
            MergeWithNext(piece, matches, pieces);
            return;
        }

        var first = pieces.Count;
        var position = 0;
        var previousMatched = false;
        foreach (var (start, length) in matches)
        {
            if (start > position)
                Add(piece, position, start - position, invert, ref previousMatched, first, pieces);
            if (length > 0)
                Add(piece, start, length, !invert, ref previousMatched, first, pieces);
            position = start + length;
        }

        if (position < piece.Length)
            Add(piece, position, piece.Length - position, invert, ref previousMatched, first, pieces);
    }

    private void Add(
        in TextPiece piece, int start, int length, bool matched, ref bool previousMatched, int first, List<TextPiece> pieces)
    {
        var extends = behavior switch
        {
            SplitBehavior.Contiguous => matched == previousMatched,
            SplitBehavior.MergedWithPrevious => matched && !previousMatched,
            _ => false,
        };
        previousMatched = matched;
        if (extends && pieces.Count > first)
            pieces[^1] = pieces[^1] with { Length = pieces[^1].Length + length };
        else if (!(matched && behavior == SplitBehavior.Removed))
            pieces.Add(piece.Part(start, length));
    }

    private void MergeWithNext(in TextPiece piece, List<(int Start, int Length)> matches, List<TextPiece> pieces)
    {
        var first = pieces.Count;
        var previousMatched = false;
        var end = piece.Length;
        for (var i = matches.Count - 1; i >= -1; i--)
        {
            var (start, length) = i >= 0 ? matches[i] : (0, 0);
            if (end > start + length)
                AddBefore(piece, start + length, end, invert, ref previousMatched, first, pieces);
            if (length > 0)
                AddBefore(piece, start, start + length, !invert, ref previousMatched, first, pieces);
            end = start;
        }

        pieces.Reverse(first, pieces.Count - first);
    }

    private static void AddBefore(
        in TextPiece piece, int start, int end, bool matched, ref bool previousMatched, int first, List<TextPiece> pieces)
    {
        var extends = matched && !previousMatched && pieces.Count > first;
        previousMatched = matched;
        if (extends)
            pieces[^1] = piece.Part(start, end - start + pieces[^1].Length);
        else
            pieces.Add(piece.Part(start, end - start));
    }
}
