using System.Text;

namespace Parley.Tokenizer.Templating.Values;

/// <summary>Builds a text together with the ranges that users wrote; stops at a limit.</summary>
internal sealed class TextBuilder(int charactersMax)
{
    private readonly StringBuilder _text = new();
    private readonly List<int> _bounds = [];

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
        new(_text.ToString(), UserRanges.FromBounds([.. _bounds]), isMarkup);

    private void AddRange(int start, int end)
    {
        if (start == end)
            return;
        if (_bounds.Count > 0 && _bounds[^1] == start)
            _bounds[^1] = end;
        else
            _bounds.AddRange([start, end]);
    }
}
