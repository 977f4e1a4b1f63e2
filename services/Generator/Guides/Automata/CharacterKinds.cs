namespace Parley.Generator.Guides.Automata;

/// <summary>
/// Characters sorted into kinds that conditions on texts rarely tell apart: letters, digits, each sign by itself, what is beyond ASCII. The
/// alphabets differ in how fine they are.
/// </summary>
internal sealed class CharacterKinds
{
    /// <summary>No kind: a character that the alphabet leaves out.</summary>
    public const byte None = 0;

    /// <summary>Spaces beyond ASCII, as ECMA-262 has them, line and paragraph separator aside.</summary>
    public const byte Space = 1;

    /// <summary>Everything else beyond ASCII, those two aside.</summary>
    public const byte Foreign = 2;

    private const byte FirstAscii = 3;

    private static readonly CodePoints Spaces = RegexClasses.Named('s').Intersect(CodePoints.Of((0x80, 0x2027), (0x202A, CodePoints.Last)));

    private static readonly CodePoints Others =
        RegexClasses.Named('S').Intersect(CodePoints.Of((0x80, 0x2027), (0x202A, CodePoints.Last)));

    private readonly byte[] _ascii = new byte[128];
    private readonly byte[][] _members;

    private CharacterKinds(int index, params ReadOnlySpan<Func<char, bool>> sets)
    {
        Index = index;
        var kinds = new List<List<byte>>();
        var ofSets = new int?[sets.Length];
        for (var value = 0; value < 128; value++)
        {
            var set = 0;
            while (set < sets.Length && !sets[set]((char)value))
                set++;
            var kind = set < sets.Length && ofSets[set] is { } known ? known : kinds.Count;
            if (kind == kinds.Count)
                kinds.Add([]);
            if (set < sets.Length)
                ofSets[set] = kind;
            kinds[kind].Add((byte)value);
            _ascii[value] = (byte)(FirstAscii + kind);
        }

        _members = [.. kinds.Select(kind => kind.ToArray())];
    }

    /// <summary>The alphabets, the coarsest first.</summary>
    public static IReadOnlyList<CharacterKinds> All { get; } =
    [
        new(0, value => value is > ' ' and < '\x7F' and not ('"' or '\\')),
        new(1, value => char.IsAsciiLetterOrDigit(value) || value == '_'),
        new(2, char.IsAsciiLetterLower, char.IsAsciiLetterUpper, char.IsAsciiDigit),
        new(3, value => value is >= 'a' and <= 'f', value => value is >= 'A' and <= 'F', char.IsAsciiLetterLower, char.IsAsciiLetterUpper,
            char.IsAsciiDigit),
    ];

    /// <summary>Its place in <see cref="All"/>.</summary>
    public int Index { get; }

    /// <summary>Kinds are numbers below this one.</summary>
    public int Count => FirstAscii + _members.Length;

    /// <summary>The kind of a character; <see cref="None"/> for one that is left out.</summary>
    public byte Of(int codePoint)
    {
        if (codePoint < 0x80)
            return _ascii[codePoint];
        if (codePoint is 0x2028 or 0x2029)
            return None;
        return codePoint is 0xA0 or 0x1680 or (>= 0x2000 and <= 0x200A) or 0x202F or 0x205F or 0x3000 or 0xFEFF ? Space : Foreign;
    }

    /// <summary>
    /// The bytes by which an automaton is tried on each kind. Of a kind of ASCII: one byte of each class that it has, which may lead to
    /// different states; of another: the bytes of one character that stands for all, none where it may not.
    /// </summary>
    /// <param name="classes">Bytes of one class lead from every state to the same state.</param>
    /// <param name="tellsApart">Whether some state may tell characters of a set apart.</param>
    public byte[][] Trials(byte[] classes, Func<CodePoints, bool> tellsApart)
    {
        var trials = new byte[Count][];
        trials[None] = [];
        trials[Space] = tellsApart(Spaces) ? [] : "\u00A0"u8.ToArray();
        trials[Foreign] = tellsApart(Others) ? [] : "é"u8.ToArray();
        for (var kind = 0; kind < _members.Length; kind++)
            trials[FirstAscii + kind] = [.. _members[kind].DistinctBy(value => classes[value])];
        return trials;
    }

    /// <summary>Whether a kind lies beyond ASCII.</summary>
    public static bool IsBeyondAscii(byte kind) => kind < FirstAscii;
}
