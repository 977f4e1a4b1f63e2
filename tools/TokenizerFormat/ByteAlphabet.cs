namespace Parley.TokenizerFormat;

/// <summary>GPT-2's printable stand-ins for the 256 bytes, in which byte-level vocabularies are written.</summary>
internal static class ByteAlphabet
{
    private const int CharsEnd = 256 + 68;

    private static readonly char[] ByteToChar = CreateByteToChar();
    private static readonly short[] CharToByte = CreateCharToByte();

    public static char ToChar(byte value) => ByteToChar[value];

    /// <summary>The byte of a stand-in, or −1 for any other character.</summary>
    public static int ToByte(char value) => value < CharsEnd ? CharToByte[value] : -1;

    /// <summary>Writes text as the stand-ins of its UTF-8 bytes.</summary>
    public static string Map(ReadOnlySpan<char> text)
    {
        var bytes = new byte[System.Text.Encoding.UTF8.GetByteCount(text)];
        System.Text.Encoding.UTF8.GetBytes(text, bytes);
        return string.Create(bytes.Length, bytes, static (chars, source) =>
        {
            for (var i = 0; i < source.Length; i++)
                chars[i] = ByteToChar[source[i]];
        });
    }

    private static char[] CreateByteToChar()
    {
        var map = new char[256];
        var next = 256;
        for (var value = 0; value < 256; value++)
        {
            var printable = value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE and <= 0xFF;
            map[value] = (char)(printable ? value : next++);
        }

        return map;
    }

    private static short[] CreateCharToByte()
    {
        var map = new short[CharsEnd];
        Array.Fill(map, (short)-1);
        for (var value = 0; value < 256; value++)
            map[ByteToChar[value]] = (short)value;
        return map;
    }
}
