namespace Parley.Gateway.Responses.Patterns;

/// <summary>Answers what a pattern asks of a place in a text that may go on: yes, no, or not known before more of it is there.</summary>
internal static class PatternPlaces
{
    /// <summary>Null where it depends on text that is still to come.</summary>
    public static bool? Is(PatternPlace place, ReadOnlySpan<char> text, int at, bool isWhole)
    {
        switch (place)
        {
            case PatternPlace.Start:
                return at == 0;
            case PatternPlace.LineStart:
                return at == 0 || text[at - 1] == '\n';
            case PatternPlace.End:
                return at < text.Length ? false : isWhole ? true : null;
            case PatternPlace.LineEnd:
                return at < text.Length ? text[at] == '\n' : isWhole ? true : null;
            case PatternPlace.EndOrLastBreak:
                if (at < text.Length && (text[at] != '\n' || at + 1 < text.Length))
                    return false;
                return isWhole ? true : null;
            default:
                if (at == text.Length && !isWhole)
                    return null;
                var before = at > 0 && CharacterSet.Word.Holds(CodePoints.Before(text, at));
                var after = at < text.Length && CharacterSet.Word.Holds(CodePoints.At(text, at, out _));
                return before != after == (place == PatternPlace.WordEdge);
        }
    }

    /// <summary>Null where it depends on text that is still to come.</summary>
    public static bool? Is(PatternLook look, ReadOnlySpan<char> text, int at, bool isWhole, PatternBudget budget)
    {
        var found = look.IsAhead ? Follows(look, text, at, isWhole, budget) : Precedes(look, text, at, budget);
        return found is { } there ? there != look.IsNegative : null;
    }

    private static bool? Follows(PatternLook look, ReadOnlySpan<char> text, int at, bool isWhole, PatternBudget budget)
    {
        var scan = new PatternScan(look.Pattern, at, isAnchored: true);
        while (true)
        {
            var isOpen = scan.Close(text, isWhole, budget);
            if (scan.HasMatched)
                return true;
            if (!isOpen)
                return null;
            if (!scan.IsAlive)
                return false;
            if (scan.At >= text.Length)
                return isWhole ? false : null;
            scan.Read(text, budget);
        }
    }

    private static bool Precedes(PatternLook look, ReadOnlySpan<char> text, int at, PatternBudget budget)
    {
        var from = at;
        for (var length = 0; length <= look.LengthMax; length++)
        {
            if (new PatternTrial(look.Pattern, budget).Matches(text, from, at))
                return true;
            if (from == 0)
                break;
            from -= from > 1 && char.IsLowSurrogate(text[from - 1]) && char.IsHighSurrogate(text[from - 2]) ? 2 : 1;
        }

        return false;
    }
}
