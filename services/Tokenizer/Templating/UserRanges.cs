namespace Parley.Tokenizer.Templating;

/// <summary>The parts of a text that a user wrote, as sorted, disjoint ranges of UTF-16 code units.</summary>
internal sealed class UserRanges
{
    public static readonly UserRanges None = new([]);

    // Start and end of each range in turn.
    private readonly int[] _bounds;

    private UserRanges(int[] bounds) => _bounds = bounds;

    public int Count => _bounds.Length / 2;

    public bool IsEmpty => _bounds.Length == 0;

    public (int Start, int Length) this[int index] => (_bounds[2 * index], _bounds[(2 * index) + 1] - _bounds[2 * index]);

    /// <summary>Everything from 0 to <paramref name="length"/>.</summary>
    public static UserRanges All(int length) => length == 0 ? None : new UserRanges([0, length]);

    /// <summary>From bounds that are sorted and disjoint already: start, end, start, end …</summary>
    public static UserRanges FromBounds(ReadOnlySpan<int> bounds) => bounds.IsEmpty ? None : new UserRanges(bounds.ToArray());

    public bool Overlaps(int start, int end)
    {
        // First range that ends after start.
        int low = 0, high = Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_bounds[(2 * middle) + 1] > start)
                high = middle;
            else
                low = middle + 1;
        }

        return low < Count && _bounds[2 * low] < end;
    }

    /// <summary>The ranges that lie within a part of the text, counted from the part's start.</summary>
    public UserRanges Within(int start, int length)
    {
        if (!Overlaps(start, start + length))
            return None;
        var bounds = new List<int>();
        for (var i = 0; i < _bounds.Length; i += 2)
        {
            var from = Math.Max(_bounds[i], start);
            var to = Math.Min(_bounds[i + 1], start + length);
            if (from < to)
                bounds.AddRange([from - start, to - start]);
        }

        return new UserRanges([.. bounds]);
    }
}
