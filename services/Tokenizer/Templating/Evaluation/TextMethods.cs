using System.Text;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>What several methods and filters of texts share, with the provenance kept character by character.</summary>
internal static class TextMethods
{
    /// <summary>str.strip and its one-sided forms; null strips white space.</summary>
    public static TextValue Strip(TextValue value, string? characters, bool left = true, bool right = true)
    {
        var text = value.Text;
        int start = 0, end = text.Length;
        while (left && start < end && IsStripped(text, start, characters, out var length))
            start += length;
        while (right && end > start)
        {
            var at = end - 1 > start && char.IsSurrogatePair(text[end - 2], text[end - 1]) ? end - 2 : end - 1;
            if (!IsStripped(text, at, characters, out _))
                break;
            end = at;
        }

        return value.Part(start, end - start);
    }

    /// <summary>str.split and rsplit.</summary>
    public static SequenceValue Split(TextValue value, string? separator, long countMax, bool fromRight)
    {
        var parts = new List<TemplateValue>();
        if (separator is null)
            SplitSpaces(value, countMax, fromRight, parts);
        else if (separator.Length == 0)
            throw TemplateException.Value("empty separator");
        else
            SplitAt(value, separator, countMax, fromRight, parts);
        return SequenceValue.List(parts);
    }

    /// <summary>str.replace.</summary>
    public static TextValue Replace(TextValue value, TextValue old, TextValue replacement, long countMax, int charactersMax)
    {
        if (countMax < 0)
            countMax = long.MaxValue;
        var builder = new TextBuilder(charactersMax);
        var (text, position) = (value.Text, 0);
        if (old.Text.Length == 0)
        {
            foreach (var item in value.Iterate())
            {
                if (countMax-- > 0)
                    builder.Append(replacement);
                builder.Append((TextValue)item);
            }

            return (countMax > 0 ? builder.Append(replacement) : builder).ToValue(value.IsMarkup);
        }

        for (; countMax > 0; countMax--)
        {
            var next = text.IndexOf(old.Text, position, StringComparison.Ordinal);
            if (next < 0)
                break;
            builder.Append(value.Part(position, next - position)).Append(replacement);
            position = next + old.Text.Length;
        }

        return position == 0 ? value : builder.Append(value.Part(position, text.Length - position)).ToValue(value.IsMarkup);
    }

    /// <summary>Escapes for HTML as markupsafe does; what is marked safe stays.</summary>
    public static TextValue Escape(TextValue value)
    {
        if (value.IsMarkup)
            return value;
        if (value.Text.AsSpan().IndexOfAny("&<>'\"") < 0)
            return value.AsMarkup(true);
        var builder = new TextBuilder(PythonText.CharactersMax);
        for (var i = 0; i < value.Text.Length; i++)
        {
            var isUser = value.User.Overlaps(i, i + 1);
            builder.Append(value.Text[i] switch
            {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '\'' => "&#39;",
                '"' => "&#34;",
                var other => other.ToString(),
            }, isUser);
        }

        return builder.ToValue(isMarkup: true);
    }

    public static TextValue Join(TextValue separator, IEnumerable<TextValue> items, int charactersMax)
    {
        var builder = new TextBuilder(charactersMax);
        var isFirst = true;
        foreach (var item in items)
        {
            if (!isFirst)
                builder.Append(separator);
            builder.Append(item);
            isFirst = false;
        }

        return builder.ToValue();
    }

    /// <summary>str.splitlines.</summary>
    public static SequenceValue SplitLines(TextValue text, bool keepEnds)
    {
        var lines = new List<TemplateValue>();
        var value = text.Text;
        for (var start = 0; start < value.Length;)
        {
            var end = start;
            while (end < value.Length && !PythonCharacter.IsLineBreak(value[end]))
                end++;
            var next = Math.Min(value.Length, end + (value.AsSpan(end).StartsWith("\r\n") ? 2 : 1));
            lines.Add(text.Part(start, (keepEnds ? next : end) - start));
            start = next;
        }

        return SequenceValue.List(lines);
    }

    /// <summary>str.expandtabs.</summary>
    public static TextValue ExpandTabs(TextValue text, int size, int charactersMax)
    {
        var builder = new TextBuilder(charactersMax);
        var column = 0;
        foreach (var item in text.Iterate().Cast<TextValue>())
        {
            if (item.Text == "\t")
            {
                var missing = size <= 0 ? 0 : size - (column % size);
                builder.Append(new string(' ', missing));
                column += missing;
                continue;
            }

            column = item.Text is "\n" or "\r" ? 0 : column + 1;
            builder.Append(item);
        }

        return builder.ToValue(text.IsMarkup);
    }

    /// <summary>str.translate: by code point, to a text, a code point, or None for nothing.</summary>
    public static TextValue Translate(TextValue text, DictionaryValue table, int charactersMax)
    {
        var builder = new TextBuilder(charactersMax);
        foreach (var item in text.Iterate().Cast<TextValue>())
        {
            var point = Rune.TryGetRuneAt(item.Text, 0, out var rune) ? rune.Value : item.Text[0];
            var target = table.TryGet(TemplateValue.Of(point), out var found) ? found : item;
            if (target is not NoneValue)
                builder.Append(target as TextValue ?? new FormatSpecification { Type = 'c' }.ApplyWhole(target.ExpectWhole()));
        }

        return builder.ToValue(text.IsMarkup);
    }

    private static bool IsStripped(string text, int at, string? characters, out int length)
    {
        length = 1;
        if (characters is null)
            return PythonCharacter.IsSpace(text[at]);
        if (Rune.TryGetRuneAt(text, at, out var rune))
            length = rune.Utf16SequenceLength;
        return length == 1 ? characters.Contains(text[at]) : characters.Contains(text.Substring(at, 2), StringComparison.Ordinal);
    }

    private static void SplitSpaces(TextValue value, long countMax, bool fromRight, List<TemplateValue> parts)
    {
        var text = value.Text;
        var words = new List<(int Start, int End)>();
        for (var i = 0; i < text.Length;)
        {
            if (PythonCharacter.IsSpace(text[i]))
            {
                i++;
                continue;
            }

            var start = i;
            while (i < text.Length && !PythonCharacter.IsSpace(text[i]))
                i++;
            words.Add((start, i));
        }

        if (countMax >= 0 && words.Count > countMax + 1)
        {
            var rest = (int)countMax;
            // The words beyond the limit stay together, with the white space between them.
            if (fromRight)
            {
                var end = words[^(rest + 1)].End;
                words.RemoveRange(0, words.Count - rest);
                words.Insert(0, (0, end));
            }
            else
            {
                words = [.. words.Take(rest), (words[rest].Start, text.Length)];
            }
        }

        parts.AddRange(words.Select(word => value.Part(word.Start, word.End - word.Start)));
    }

    private static void SplitAt(TextValue value, string separator, long countMax, bool fromRight, List<TemplateValue> parts)
    {
        var text = value.Text;
        var cuts = new List<int>();
        if (fromRight)
        {
            for (var end = text.Length; countMax != 0 && end >= separator.Length; countMax--)
            {
                var at = text[..end].LastIndexOf(separator, StringComparison.Ordinal);
                if (at < 0)
                    break;
                cuts.Insert(0, at);
                end = at;
            }
        }
        else
        {
            for (var at = 0; countMax != 0; countMax--)
            {
                at = text.IndexOf(separator, at, StringComparison.Ordinal);
                if (at < 0)
                    break;
                cuts.Add(at);
                at += separator.Length;
            }
        }

        var position = 0;
        foreach (var cut in cuts)
        {
            parts.Add(value.Part(position, cut - position));
            position = cut + separator.Length;
        }

        parts.Add(value.Part(position, text.Length - position));
    }
}
