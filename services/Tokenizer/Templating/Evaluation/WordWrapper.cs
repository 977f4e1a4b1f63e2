using System.Text.RegularExpressions;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Breaks a line as Python's textwrap does when it neither expands tabs nor replaces white space.</summary>
internal sealed partial class WordWrapper
{
    private readonly int _width;
    private readonly bool _breakLongWords;
    private readonly bool _breakOnHyphens;

    public WordWrapper(long width, bool breakLongWords, bool breakOnHyphens)
    {
        if (width <= 0)
            throw TemplateException.Value($"invalid width {width} (must be > 0)");
        _width = (int)Math.Min(width, int.MaxValue);
        (_breakLongWords, _breakOnHyphens) = (breakLongWords, breakOnHyphens);
    }

    /// <summary>The lines that one line becomes; none where it is blank.</summary>
    public List<TextValue> Wrap(TextValue text)
    {
        var pieces = Pieces(text);
        pieces.Reverse();
        var lines = new List<TextValue>();
        while (pieces.Count > 0)
        {
            var line = new List<TextValue>();
            if (lines.Count > 0 && IsBlank(pieces[^1]))
                pieces.RemoveAt(pieces.Count - 1);
            var length = 0;
            while (pieces.Count > 0 && length + pieces[^1].Length <= _width)
            {
                length += pieces[^1].Length;
                Move(pieces, line);
            }

            if (pieces.Count > 0 && pieces[^1].Length > _width)
                BreakWord(pieces, line, _width - length);
            if (line.Count > 0 && IsBlank(line[^1]))
                line.RemoveAt(line.Count - 1);
            if (line.Count > 0)
                lines.Add(TextMethods.Join(TextValue.Empty, line, PythonText.CharactersMax));
        }

        return lines;
    }

    private static void Move(List<TextValue> pieces, List<TextValue> line)
    {
        line.Add(pieces[^1]);
        pieces.RemoveAt(pieces.Count - 1);
    }

    private void BreakWord(List<TextValue> pieces, List<TextValue> line, int room)
    {
        if (!_breakLongWords)
        {
            if (line.Count == 0)
                Move(pieces, line);
            return;
        }

        var word = pieces[^1];
        var head = (TextValue)Members.Slice(word, null, TemplateValue.Of(room), null);
        // Behind the last hyphen that fits, unless there is nothing but hyphens before it.
        if (_breakOnHyphens && head.Text.LastIndexOf('-') is > 0 and var hyphen && head.Text.AsSpan(0, hyphen).ContainsAnyExcept('-'))
            head = head.Part(0, hyphen + 1);
        line.Add(head);
        pieces[^1] = word.Part(head.Text.Length, word.Text.Length - head.Text.Length);
    }

    private static bool IsBlank(TextValue text) => text.Text.All(PythonCharacter.IsSpace);

    private List<TextValue> Pieces(TextValue text)
    {
        var pieces = new List<TextValue>();
        var position = 0;
        foreach (var match in (_breakOnHyphens ? Hyphenated() : Spaces()).EnumerateMatches(text.Text))
        {
            if (match.Index > position)
                pieces.Add(text.Part(position, match.Index - position));
            if (match.Length > 0)
                pieces.Add(text.Part(match.Index, match.Length));
            position = match.Index + match.Length;
        }

        if (position < text.Text.Length)
            pieces.Add(text.Part(position, text.Text.Length - position));
        return pieces;
    }

    [GeneratedRegex(@"[\t\n\v\f\r ]+")]
    private static partial Regex Spaces();

    // White space; a dash of two or more hyphens between words; a word, up to a hyphen inside it, a space, the end or such a dash.
    // A hyphen is inside a word behind two letters, or behind a letter, a hyphen and a character, and before two letters.
    [GeneratedRegex(@"[\t\n\v\f\r ]+|(?<=[\w!""'&.,?])-{2,}(?=\w)|[^\t\n\v\f\r ]+?(?:"
        + @"-(?:(?<=[^\d\W]{2}-)|(?<=[^\d\W]-[\w!""'&.,?]-))(?=[^\d\W]-?[^\d\W])"
        + @"|(?=[\t\n\v\f\r ]|\z)|(?<=[\w!""'&.,?])(?=-{2,}\w))")]
    private static partial Regex Hyphenated();
}
