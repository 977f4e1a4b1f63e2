namespace Parley.Gateway.Chat;

/// <summary>Text that is told to a caller or a log, however much of it came in.</summary>
internal static class BoundedText
{
    private const string Ellipsis = "…";

    /// <summary>The text, or its beginning with an ellipsis; never half of a surrogate pair at the cut.</summary>
    public static string Cut(string text, int charactersMax)
    {
        if (text.Length <= charactersMax)
            return text;
        var length = charactersMax - Ellipsis.Length;
        if (char.IsHighSurrogate(text[length - 1]))
            length--;
        return string.Concat(text.AsSpan(0, length), Ellipsis);
    }
}
