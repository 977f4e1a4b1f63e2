namespace Parley.Generator.Guides.Automata;

/// <summary>Sets of characters as sequences of byte ranges.</summary>
internal static class ByteSequences
{
    private static readonly (int First, int Last, int Bytes)[] Lengths = [(0, 0x7F, 1), (0x80, 0x7FF, 2), (0x800, 0xFFFF, 3),
        (0x10000, CodePoints.Last, 4)];

    /// <summary>The bytes of a set: each entry is one sequence of inclusive ranges.</summary>
    public static IEnumerable<(byte First, byte Last)[]> Of(CodePoints characters, TextEncoding encoding)
    {
        foreach (var (first, last) in characters.Ranges)
        {
            if (encoding == TextEncoding.Plain)
            {
                foreach (var sequence in Utf8(first, last))
                    yield return sequence;
                continue;
            }

            var plainFrom = Math.Max(first, 0x20);
            for (var control = first; control <= Math.Min(last, 0x1F); control++)
                yield return Exactly(Escaped(control));
            foreach (var special in (int[])['"', '\\'])
            {
                if (special < plainFrom || special > last)
                    continue;
                if (special > plainFrom)
                {
                    foreach (var sequence in Utf8(plainFrom, special - 1))
                        yield return sequence;
                }

                yield return Exactly([(byte)'\\', (byte)special]);
                plainFrom = special + 1;
            }

            if (plainFrom <= last)
            {
                foreach (var sequence in Utf8(plainFrom, last))
                    yield return sequence;
            }
        }
    }

    /// <summary>A text as it is written inside a JSON string; null when it holds half a surrogate pair and can't be written.</summary>
    public static byte[]? Written(string text)
    {
        var bytes = new List<byte>(text.Length + 8);
        Span<byte> utf8 = stackalloc byte[4];
        for (var i = 0; i < text.Length; i++)
        {
            var rune = text[i];
            if (char.IsSurrogate(rune))
            {
                if (!char.IsHighSurrogate(rune) || i + 1 >= text.Length || !char.IsLowSurrogate(text[i + 1]))
                    return null;
                var length = new System.Text.Rune(rune, text[++i]).EncodeToUtf8(utf8);
                bytes.AddRange(utf8[..length]);
            }
            else if (rune < 0x20)
            {
                bytes.AddRange(Escaped(rune));
            }
            else
            {
                if (rune is '"' or '\\')
                    bytes.Add((byte)'\\');
                var length = new System.Text.Rune(rune).EncodeToUtf8(utf8);
                bytes.AddRange(utf8[..length]);
            }
        }

        return [.. bytes];
    }

    private static byte[] Escaped(int control) => control switch
    {
        8 => "\\b"u8.ToArray(),
        9 => "\\t"u8.ToArray(),
        10 => "\\n"u8.ToArray(),
        12 => "\\f"u8.ToArray(),
        13 => "\\r"u8.ToArray(),
        _ => [.. "\\u00"u8, (byte)('0' + (control >> 4)), (byte)"0123456789abcdef"[control & 15]],
    };

    private static (byte First, byte Last)[] Exactly(byte[] bytes) => [.. bytes.Select(one => (one, one))];

    private static IEnumerable<(byte First, byte Last)[]> Utf8(int first, int last)
    {
        foreach (var (from, to, bytes) in Lengths)
        {
            if (first > to || last < from)
                continue;
            foreach (var sequence in OfOneLength(Math.Max(first, from), Math.Min(last, to), bytes))
                yield return sequence;
        }
    }

    /// <summary>Splits where a lead byte changes while the rest does not run over all its values.</summary>
    private static IEnumerable<(byte First, byte Last)[]> OfOneLength(int first, int last, int bytes)
    {
        for (var rest = 1; rest < bytes; rest++)
        {
            var mask = (1 << (6 * rest)) - 1;
            if ((first & ~mask) == (last & ~mask))
                continue;
            if ((first & mask) != 0)
                return [.. OfOneLength(first, first | mask, bytes), .. OfOneLength((first | mask) + 1, last, bytes)];
            if ((last & mask) != mask)
                return [.. OfOneLength(first, (last & ~mask) - 1, bytes), .. OfOneLength(last & ~mask, last, bytes)];
        }

        var sequence = new (byte, byte)[bytes];
        for (var i = 0; i < bytes; i++)
            sequence[i] = (Byte(first, i, bytes), Byte(last, i, bytes));
        return [sequence];
    }

    private static byte Byte(int codePoint, int index, int bytes)
    {
        var bits = codePoint >> (6 * (bytes - 1 - index));
        if (index > 0)
            return (byte)(0x80 | (bits & 0x3F));
        return (byte)(bytes switch { 1 => bits, 2 => 0xC0 | bits, 3 => 0xE0 | bits, _ => 0xF0 | bits });
    }
}
