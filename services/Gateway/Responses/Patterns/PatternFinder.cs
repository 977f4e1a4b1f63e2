namespace Parley.Gateway.Responses.Patterns;

/// <summary>All matches of a pattern in a whole text, one behind the other.</summary>
internal static class PatternFinder
{
    /// <exception cref="PatternException">It costs more than it may.</exception>
    public static List<PatternMatch> FindAll(Pattern pattern, ReadOnlySpan<char> text, PatternBudget budget)
    {
        var matches = new List<PatternMatch>();
        var scan = pattern.HasReferences ? null : new PatternScan(pattern, 0);
        for (var from = 0; from <= text.Length;)
        {
            var found = scan is null ? new PatternTrial(pattern, budget).Find(text, from) : Next(scan, text, from, budget);
            if (found is not { } match)
                break;
            matches.Add(match);
            from = match.Length > 0 ? match.End : match.End + 1;
        }

        return matches;
    }

    private static PatternMatch? Next(PatternScan scan, ReadOnlySpan<char> text, int from, PatternBudget budget)
    {
        scan.Restart(from);
        while (true)
        {
            scan.Close(text, isWhole: true, budget);
            if (scan.At >= text.Length)
                scan.End();
            if (scan.Settled is { } match)
                return match;
            if (scan.At >= text.Length)
                return null;
            scan.Read(text, budget);
        }
    }
}
