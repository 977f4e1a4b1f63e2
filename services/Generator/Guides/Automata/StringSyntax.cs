namespace Parley.Generator.Guides.Automata;

/// <summary>
/// The inside of a JSON string as a compact writer writes it: well-formed UTF-8, and escapes only where there must be one, in their
/// shortest form
/// (<c>\n</c>, not <c>\u000a</c>).
/// </summary>
internal static class StringSyntax
{
    /// <summary>The state of no string.</summary>
    public const byte Fault = 255;

    /// <summary>Between two characters; the only state in which a string may end.</summary>
    public const byte Between = 0;

    /// <summary>How many states there are.</summary>
    public const int States = Below32 + Utf8Syntax.States;

    private const byte Escape = 1, Unicode = 2, Unicode0 = 3, Unicode00 = 4, Below16 = 5, Below32 = 6;
    private static readonly byte[] Table = Make();

    /// <summary>256 entries: bytes that no state tells apart have one class.</summary>
    public static byte[] Classes { get; } = MakeClasses();

    /// <summary>The state behind one more byte, or <see cref="Fault"/>. The closing quote is not part of the inside.</summary>
    public static byte Step(byte state, byte next) => Table[(state * 256) + next];

    private static byte Rule(byte state, byte next) => state switch
    {
        Between when next == '\\' => Escape,
        Between when next is >= 0x20 and < 0x80 and not (byte)'"' => Between,
        Between when next >= 0x80 => Utf8(Utf8Syntax.Step(Utf8Syntax.Between, next)),
        Escape when next is (byte)'"' or (byte)'\\' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t' => Between,
        Escape when next == 'u' => Unicode,
        Unicode when next == '0' => Unicode0,
        Unicode0 when next == '0' => Unicode00,
        Unicode00 when next == '0' => Below16,
        Unicode00 when next == '1' => Below32,
        Below16 when next is (>= (byte)'0' and <= (byte)'7') or (byte)'b' or (byte)'e' or (byte)'f' => Between,
        Below32 when next is (>= (byte)'0' and <= (byte)'9') or (>= (byte)'a' and <= (byte)'f') => Between,
        > Below32 => Utf8(Utf8Syntax.Step((byte)(state - Below32), next)),
        _ => Fault,
    };

    /// <summary>Within a character the states are those of UTF-8, behind the escapes' own.</summary>
    private static byte Utf8(byte state) => state is Utf8Syntax.Between or Utf8Syntax.Fault ? state : (byte)(state + Below32);

    private static byte[] Make()
    {
        var table = new byte[States * 256];
        for (var i = 0; i < table.Length; i++)
            table[i] = Rule((byte)(i / 256), (byte)(i % 256));
        return table;
    }

    private static byte[] MakeClasses()
    {
        var classes = new byte[256];
        var known = new Dictionary<string, byte>();
        for (var value = 0; value < 256; value++)
        {
            var column = string.Join(',', Enumerable.Range(0, States).Select(state => Step((byte)state, (byte)value)));
            if (!known.TryGetValue(column, out classes[value]))
                known.Add(column, classes[value] = (byte)known.Count);
        }

        // The closing quote must be told from other faults.
        classes['"'] = (byte)(known.Count == 256 ? 255 : known.Count);
        return classes;
    }
}
