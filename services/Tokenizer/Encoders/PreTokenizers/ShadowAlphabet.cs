using System.Buffers;
using System.Globalization;
using System.Text;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>
/// The stand-ins of one expression: for each code point beyond the basic plane a character of the basic plane that lies in the same of
/// the expression's sets. Where there is none, a character is taken out of its own sets for that, and stands for itself no more.
/// </summary>
internal sealed class ShadowAlphabet
{
    private readonly int[] _bounds;
    private readonly char[] _standIns;
    private readonly Dictionary<char, int> _taken = [];
    private readonly Dictionary<char, char> _plain = [];
    private readonly SearchValues<char> _disguised;

    /// <param name="sets">Every set of the expression; a literal is a set of one.</param>
    public ShadowAlphabet(IReadOnlyList<CodePointSet> sets)
    {
        // Between two neighbouring bounds every code point lies in the same sets.
        _bounds = [.. sets.SelectMany(set => set.Bounds.ToArray()).Concat([0, 0xD800, 0xE000, 0x10000]).Distinct().Order()];
        var homes = new Dictionary<string, List<char>>(StringComparer.Ordinal);
        var names = _bounds.Select(bound => NameOf(sets, bound)).ToArray();
        for (var row = 0; row < _bounds.Length && _bounds[row] < 0x10000; row++)
        {
            if (_bounds[row] is >= 0xD800 and < 0xE000)
                continue;
            if (!homes.TryGetValue(names[row], out var home))
                homes.Add(names[row], home = []);
            var end = row + 1 < _bounds.Length ? _bounds[row + 1] : 0x10000;
            // The last ones are the rarest in texts, and NUL is nobody's.
            for (var value = end - 1; value >= Math.Max(1, _bounds[row]) && home.Count < 2 * _bounds.Length; value--)
                home.Add((char)value);
        }

        _standIns = new char[_bounds.Length];
        for (var row = 0; row < _bounds.Length; row++)
        {
            if (_bounds[row] < 0x10000)
                continue;
            if (!homes.TryGetValue(names[row], out var home))
                homes.Add(names[row], home = [Take(homes, _bounds[row])]);
            _standIns[row] = home[0];
        }

        // A text that holds a taken character must not be misread: it goes through the shadow as well.
        _disguised = SearchValues.Create([.. _taken.Keys]);
    }

    /// <summary>Whether a text must be matched through its shadow.</summary>
    public bool IsNeededFor(ReadOnlySpan<char> text) =>
        text.IndexOfAnyInRange('\uD800', '\uDFFF') >= 0 || (_taken.Count > 0 && text.IndexOfAny(_disguised) >= 0);

    /// <summary>The characters of a text's shadow that stand for a set's members.</summary>
    public CodePointSet Shadow(CodePointSet set)
    {
        var shadow = set.Intersect(CodePointSet.Of(0, 0xFFFF));
        if (_taken.Count == 0)
            return shadow;
        return shadow.Except(CodePointSet.Of(_taken.Keys.Select(value => ((int)value, (int)value))))
            .Union(CodePointSet.Of(_taken.Where(pair => set.Contains(pair.Value)).Select(pair => ((int)pair.Key, (int)pair.Key))));
    }

    public char StandIn(Rune rune)
    {
        if (rune.IsBmp)
            return _plain.GetValueOrDefault((char)rune.Value, (char)rune.Value);
        var row = Array.BinarySearch(_bounds, rune.Value);
        return _standIns[row >= 0 ? row : ~row - 1];
    }

    // Out of the fullest home, so that its other members can stand for the taken one.
    private char Take(Dictionary<string, List<char>> homes, int point)
    {
        var home = homes.Values.MaxBy(members => members.Count)!;
        if (home.Count < 2)
            throw new ArgumentException("it tells more kinds of characters apart than there are stand-ins for");
        var taken = home[^1];
        home.RemoveAt(home.Count - 1);
        _taken.Add(taken, point);
        _plain.Add(taken, home[0]);
        return taken;
    }

    private static string NameOf(IReadOnlyList<CodePointSet> sets, int point)
    {
        var name = new StringBuilder();
        for (var i = 0; i < sets.Count; i++)
        {
            if (sets[i].Contains(point))
                name.Append(CultureInfo.InvariantCulture, $"{i},");
        }

        return name.ToString();
    }
}
