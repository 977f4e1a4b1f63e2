using System.Runtime.InteropServices;
using System.Text;

namespace Parley.Tokenizer.Templating.Values;

/// <summary>Builds a text together with the ranges that users wrote; stops at a limit.</summary>
/// <param name="charactersMax">The limit, in UTF-16 code units.</param>
/// <param name="charactersExpected">The room to begin with.</param>
internal sealed class TextBuilder(int charactersMax, int charactersExpected = 16)
{
    private readonly StringBuilder _text = new(Math.Min(charactersExpected, charactersMax));
    private List<int>? _bounds;

    public int Length => _text.Length;

    public TextBuilder Append(TextValue value)
    {
        if (value.User.IsEmpty)
            return Append(value.Text);
        var start = _text.Length;
        Append(value.Text);
        for (var i = 0; i < value.User.Count; i++)
        {
            var (from, length) = value.User[i];
            AddRange(start + from, start + from + length);
        }

        return this;
    }

    /// <summary>Appends what the template wrote.</summary>
    public TextBuilder Append(string text)
    {
        if (text.Length > charactersMax - _text.Length)
            throw TemplateException.Limit("characters", charactersMax);
        _text.Append(text);
        return this;
    }

    public TextBuilder Append(string text, bool isUser)
    {
        var start = _text.Length;
        Append(text);
        if (isUser)
            AddRange(start, _text.Length);
        return this;
    }

    public TextValue ToValue(bool isMarkup = false) =>
        new(_text.ToString(), _bounds is null ? UserRanges.None : UserRanges.FromBounds(CollectionsMarshal.AsSpan(_bounds)), isMarkup);

    private void AddRange(int start, int end)
    {
        if (start == end)
            return;
        _bounds ??= [];
        if (_bounds.Count > 0 && _bounds[^1] == start)
            _bounds[^1] = end;
        else
            _bounds.AddRange([start, end]);
    }
}
