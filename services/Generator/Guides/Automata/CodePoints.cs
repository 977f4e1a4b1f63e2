namespace Parley.Generator.Guides.Automata;

/// <summary>A set of Unicode scalar values as sorted ranges that neither touch nor overlap.</summary>
internal sealed class CodePoints
{
    public const int Last = 0x10FFFF;

    private CodePoints((int First, int Last)[] ranges) => Ranges = ranges;

    public static CodePoints Empty { get; } = new([]);

    /// <summary>Every scalar value; surrogates are none.</summary>
    public static CodePoints All { get; } = new([(0, 0xD7FF), (0xE000, Last)]);

    /// <summary>Inclusive ranges in order.</summary>
    public (int First, int Last)[] Ranges { get; }

    public bool IsEmpty => Ranges.Length == 0;

    /// <summary>The set of what lies in any of these ranges, without surrogates.</summary>
    public static CodePoints Of(params IEnumerable<(int First, int Last)> ranges) => new CodePoints(Merge(ranges)).Intersect(All);

    public static CodePoints Single(int codePoint) => Of((codePoint, codePoint));

    public CodePoints Union(CodePoints other) => new(Merge(Ranges.Concat(other.Ranges)));

    public CodePoints Complement()
    {
        var rest = new List<(int First, int Last)>();
        var from = 0;
        foreach (var (first, last) in Ranges)
        {
            if (first > from)
                rest.Add((from, first - 1));
            from = last + 1;
        }

        if (from <= Last)
            rest.Add((from, Last));
        return new CodePoints([.. rest]).Intersect(All);
    }

    public CodePoints Intersect(CodePoints other)
    {
        var both = new List<(int First, int Last)>();
        var (mine, theirs) = (0, 0);
        while (mine < Ranges.Length && theirs < other.Ranges.Length)
        {
            var first = Math.Max(Ranges[mine].First, other.Ranges[theirs].First);
            var last = Math.Min(Ranges[mine].Last, other.Ranges[theirs].Last);
            if (first <= last)
                both.Add((first, last));
            if (Ranges[mine].Last < other.Ranges[theirs].Last)
                mine++;
            else
                theirs++;
        }

        return new CodePoints([.. both]);
    }

    /// <summary>Whether some of these characters belong to the set and others do not.</summary>
    public bool Splits(CodePoints characters)
    {
        var both = Intersect(characters);
        return !both.IsEmpty && !both.Ranges.AsSpan().SequenceEqual(characters.Ranges);
    }

    private static (int First, int Last)[] Merge(IEnumerable<(int First, int Last)> ranges)
    {
        var merged = new List<(int First, int Last)>();
        foreach (var range in ranges.Order())
        {
            if (merged.Count > 0 && range.First <= merged[^1].Last + 1)
                merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, range.Last));
            else
                merged.Add(range);
        }

        return [.. merged];
    }
}
