using System.Buffers;
using System.Globalization;
using System.Text;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>
/// The stand-ins of one expression: a character of the basic plane for each general category and each set of the expression's own
/// astral ranges, chosen outside everything that the expression names literally.
/// </summary>
internal sealed class ShadowAlphabet
{
    private readonly int[] _bounds;
    private readonly char[][] _standIns;
    private readonly char[] _plain;
    private readonly SearchValues<char> _disguised;

    /// <param name="ranges">The astral ranges that the expression names, first and last code point.</param>
    /// <param name="isNamed">Whether the expression names a character of the basic plane.</param>
    public ShadowAlphabet(IReadOnlyList<(int First, int Last)> ranges, Func<char, bool> isNamed)
    {
        // Between two neighbouring bounds every code point lies in the same ranges.
        _bounds = [.. ranges.SelectMany(range => new[] { range.First, range.Last + 1 }).Append(0x10000).Distinct().Order()];
        var free = new Dictionary<UnicodeCategory, Queue<char>>();
        for (var value = 0xFFFF; value > 0xA0; value--)
        {
            var candidate = (char)value;
            if (char.IsSurrogate(candidate) || isNamed(candidate) || isNamed(char.ToLowerInvariant(candidate)))
                continue;
            var category = char.GetUnicodeCategory(candidate);
            if (!free.TryGetValue(category, out var queue))
                free.Add(category, queue = new Queue<char>());
            if (queue.Count <= (2 * ranges.Count) + 1)
                queue.Enqueue(candidate);
        }

        _standIns = [.. _bounds.Select(_ => CreateRow(free))];
        _plain = CreateRow(free);
        // A text that holds a range's stand-in itself must not be taken for that range: it goes through the shadow as well.
        _disguised = SearchValues.Create([.. ranges.SelectMany(range => MembersOf(range.First, range.Last)), .. "\uD800\uDFFF"]);
    }

    /// <summary>Whether a text must be matched through its shadow.</summary>
    public bool IsNeededFor(ReadOnlySpan<char> text) =>
        text.IndexOfAnyInRange('\uD800', '\uDFFF') >= 0 || text.IndexOfAny(_disguised) >= 0;

    /// <summary>The stand-ins of every code point in a range, as the members of a character class.</summary>
    public string Members(int first, int last)
    {
        var members = new StringBuilder();
        foreach (var standIn in MembersOf(first, last))
            members.Append(CultureInfo.InvariantCulture, $"\\u{(int)standIn:X4}");
        return members.ToString();
    }

    public char StandIn(Rune rune)
    {
        if (rune.IsBmp)
            return _disguised.Contains((char)rune.Value) ? _plain[(int)Rune.GetUnicodeCategory(rune)] : (char)rune.Value;
        return StandInRow(rune.Value)[(int)Rune.GetUnicodeCategory(rune)];
    }

    private HashSet<char> MembersOf(int first, int last)
    {
        var members = new HashSet<char>();
        for (var point = first; point <= last; point++)
        {
            if (StandInRow(point)[(int)CharUnicodeInfo.GetUnicodeCategory(point)] is not '\uFFFD' and var standIn)
                members.Add(standIn);
        }

        return members;
    }

    private char[] StandInRow(int point)
    {
        var row = Array.BinarySearch(_bounds, point);
        return _standIns[row >= 0 ? row : ~row - 1];
    }

    private static char[] CreateRow(Dictionary<UnicodeCategory, Queue<char>> free)
    {
        var row = new char[(int)UnicodeCategory.OtherNotAssigned + 1];
        Array.Fill(row, '\uFFFD');
        foreach (var (category, queue) in free)
        {
            if (queue.TryDequeue(out var standIn))
                row[(int)category] = standIn;
        }

        return row;
    }
}
