using System.Text;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Answers;

/// <summary>
/// The text of a field, joined of its regions as it comes. White space at both ends is no part of it where the field strips; what may be
/// the end's is held back until more text follows.
/// </summary>
/// <param name="strips">White space at both ends is left out.</param>
/// <param name="join">What stands between two regions; null where they follow each other as they were written.</param>
internal sealed class TextLane(bool strips, string? join)
{
    private readonly StringBuilder _held = new();
    private bool _hasText;
    private bool _isAtJoin;

    /// <summary>Another region begins.</summary>
    public void Open()
    {
        if (join is null || !_hasText)
            return;
        _isAtJoin = true;
        _held.Clear();
    }

    /// <summary>The first region goes on a text that was there before.</summary>
    public void Continue() => _hasText = true;

    /// <summary>The text that may be told by now.</summary>
    public string Add(ReadOnlySpan<char> text)
    {
        if (strips && (!_hasText || _isAtJoin))
        {
            while (!text.IsEmpty && PythonText.IsSpace(text[0]))
                text = text[1..];
        }

        if (text.IsEmpty)
            return "";
        var end = text.Length;
        while (strips && end > 0 && PythonText.IsSpace(text[end - 1]))
            end--;
        if (end == 0)
        {
            _held.Append(text);
            return "";
        }

        var told = string.Concat(_isAtJoin ? join : "", _held.ToString(), text[..end]);
        _held.Clear().Append(text[end..]);
        (_hasText, _isAtJoin) = (true, false);
        return told;
    }
}
