namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>A set of code points as ranges in order, never touching. Immutable.</summary>
internal sealed class CodePointSet
{
    public const int Last = 0x10FFFF;

    private readonly int[] _bounds;

    // Each pair is the first code point of a range and the one after its last.
    private CodePointSet(int[] bounds) => _bounds = bounds;

    public static CodePointSet Empty { get; } = new([]);

    public static CodePointSet All { get; } = new([0, Last + 1]);

    /// <summary>First members and what follows the last ones, in order: inside and outside take turns at each.</summary>
    public ReadOnlySpan<int> Bounds => _bounds;

    /// <summary>The ranges in order, first and last member.</summary>
    public IEnumerable<(int First, int Last)> Ranges
    {
        get
        {
            for (var i = 0; i < _bounds.Length; i += 2)
                yield return (_bounds[i], _bounds[i + 1] - 1);
        }
    }

    public static CodePointSet Of(int first, int last) => new([first, last + 1]);

    public static CodePointSet Of(params IEnumerable<(int First, int Last)> ranges)
    {
        var bounds = new List<int>();
        foreach (var (first, last) in ranges.OrderBy(range => range.First))
        {
            if (bounds.Count > 0 && first <= bounds[^1])
                bounds[^1] = Math.Max(bounds[^1], last + 1);
            else
                bounds.AddRange([first, last + 1]);
        }

        return new CodePointSet([.. bounds]);
    }

    public static CodePointSet Where(Func<int, bool> isMember)
    {
        var bounds = new List<int>();
        for (var point = 0; point <= Last; point++)
        {
            if (isMember(point) != (bounds.Count % 2 == 1))
                bounds.Add(point);
        }

        if (bounds.Count % 2 == 1)
            bounds.Add(Last + 1);
        return new CodePointSet([.. bounds]);
    }

    public bool Contains(int point)
    {
        var at = Array.BinarySearch(_bounds, point);
        return (at >= 0 ? at : ~at - 1) % 2 == 0;
    }

    public CodePointSet Union(CodePointSet other) => Of(Ranges.Concat(other.Ranges));

    public CodePointSet Intersect(CodePointSet other) => Complement().Union(other.Complement()).Complement();

    public CodePointSet Except(CodePointSet other) => Intersect(other.Complement());

    public CodePointSet Complement() => _bounds switch
    {
        [] => All,
        [0, .., Last + 1] => new(_bounds[1..^1]),
        [0, ..] => new([.. _bounds[1..], Last + 1]),
        [.., Last + 1] => new([0, .. _bounds[..^1]]),
        _ => new([0, .. _bounds, Last + 1]),
    };
}
