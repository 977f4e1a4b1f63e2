using System.Text;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>Which characters are the same where case is ignored: Unicode's simple case folding, as Oniguruma applies it.</summary>
internal static class CaseFolding
{
    // What .NET's invariant mappings leave alone or do not join; the second half is new in Unicode 16.
    private static readonly (int, int)[] Further =
    [
        ('s', 0x17F), ('\u00DF', 0x1E9E), (0x390, 0x1FD3), (0x3B0, 0x1FE3), (0xFB05, 0xFB06),
        (0x19B, 0xA7DC), (0x264, 0xA7CB), (0x1C8A, 0x1C89), (0xA7CD, 0xA7CC), (0xA7DB, 0xA7DA),
        .. Enumerable.Range(0x10D50, 22).Select(upper => (upper + 0x20, upper)),
    ];

    private static readonly Lazy<Dictionary<int, int[]>> Groups = new(() =>
    {
        var joined = Further.ToDictionary(pair => pair.Item2, pair => pair.Item1);
        var keyed = new Dictionary<int, List<int>>();
        for (var point = 0; point < 0x20000; point++)
        {
            if (point is >= 0xD800 and < 0xE000)
                continue;
            var key = Key(joined.GetValueOrDefault(point, point));
            if (!keyed.TryGetValue(key, out var group))
                keyed.Add(key, group = []);
            group.Add(point);
        }

        var groups = new Dictionary<int, int[]>();
        foreach (var group in keyed.Values.Where(group => group.Count > 1))
        {
            foreach (var point in group)
                groups.Add(point, [.. group]);
        }

        return groups;
    });

    /// <summary>A set with every character that differs from a member in case alone.</summary>
    public static CodePointSet Close(CodePointSet set)
    {
        var further = Groups.Value.Where(pair => set.Contains(pair.Key)).SelectMany(pair => pair.Value);
        return set.Union(CodePointSet.Of(further.Select(point => (point, point))));
    }

    private static int Key(int point) => Rune.ToLowerInvariant(Rune.ToUpperInvariant(new Rune(point))).Value;
}
