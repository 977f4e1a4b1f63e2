namespace Parley.Gateway.Responses.Patterns;

/// <summary>Text by code points; half a pair is one of its own.</summary>
internal static class CodePoints
{
    /// <summary>The code point at an index, and how many UTF-16 units it has.</summary>
    public static int At(ReadOnlySpan<char> text, int index, out int length)
    {
        var first = text[index];
        if (char.IsHighSurrogate(first) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]))
        {
            length = 2;
            return char.ConvertToUtf32(first, text[index + 1]);
        }

        length = 1;
        return first;
    }

    /// <summary>The code point before an index.</summary>
    public static int Before(ReadOnlySpan<char> text, int index)
    {
        var last = text[index - 1];
        return char.IsLowSurrogate(last) && index > 1 && char.IsHighSurrogate(text[index - 2])
            ? char.ConvertToUtf32(text[index - 2], last)
            : last;
    }
}
