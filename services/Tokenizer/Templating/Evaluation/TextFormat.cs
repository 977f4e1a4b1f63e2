using System.Globalization;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>The two ways in which Python fills in a text: <c>%</c> and <c>str.format</c>, in their common forms.</summary>
internal static class TextFormat
{
    /// <summary><c>"%s …" % values</c> with s, r, d, i, f, x and %.</summary>
    public static TextValue Percent(TextValue format, TemplateValue values, int charactersMax)
    {
        var items = values is SequenceValue { Kind: SequenceValue.Form.Tuple } tuple ? tuple.Items : [values];
        var builder = new TextBuilder(charactersMax);
        var used = 0;
        var text = format.Text;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '%')
            {
                builder.Append(format.Part(i, 1));
                continue;
            }

            var start = ++i;
            while (i < text.Length && (char.IsAsciiDigit(text[i]) || text[i] is '.' or '-' or '+' or ' ' or '#'))
                i++;
            if (i >= text.Length)
                throw TemplateException.Value("incomplete format");
            if (text[i] == '%')
            {
                builder.Append("%");
                continue;
            }

            if (text[i] == '(')
                throw TemplateException.Value("named fields of the % operator are not supported");
            if (used >= items.Count)
                throw TemplateException.Type("not enough arguments for format string");
            builder.Append(Field(items[used++], text[start..i], text[i]));
        }

        if (used < items.Count && values is not DictionaryValue)
            throw TemplateException.Type("not all arguments converted during string formatting");
        return builder.ToValue(format.IsMarkup);
    }

    /// <summary><c>"{} {0} {name}".format(…)</c> without nested fields.</summary>
    public static TextValue Format(TextValue format, CallArguments arguments,
        Func<TemplateValue, string, TemplateValue> member, int charactersMax)
    {
        var builder = new TextBuilder(charactersMax);
        var text = format.Text;
        var next = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is '{' or '}' && i + 1 < text.Length && text[i + 1] == text[i])
            {
                builder.Append(text[i++].ToString());
            }
            else if (text[i] == '{')
            {
                var end = text.IndexOf('}', i);
                if (end < 0)
                    throw TemplateException.Value("expected '}' before end of string");
                builder.Append(Replacement(text[(i + 1)..end], arguments, member, ref next));
                i = end;
            }
            else if (text[i] == '}')
            {
                throw TemplateException.Value("Single '}' encountered in format string");
            }
            else
            {
                builder.Append(format.Part(i, 1));
            }
        }

        return builder.ToValue(format.IsMarkup);
    }

    private static TextValue Replacement(
        string field, CallArguments arguments, Func<TemplateValue, string, TemplateValue> member, ref int next)
    {
        var colon = field.IndexOf(':');
        var specification = colon < 0 ? "" : field[(colon + 1)..];
        var name = colon < 0 ? field : field[..colon];
        var isRepr = name.EndsWith("!r", StringComparison.Ordinal);
        if (isRepr || name.EndsWith("!s", StringComparison.Ordinal))
            name = name[..^2];
        var path = name.Split('.');
        var value = path[0].Length == 0 ? arguments.Find(next++, "")
            : int.TryParse(path[0], NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? arguments.Find(index, "")
            : arguments.Find(int.MaxValue, path[0]);
        if (value is null)
            throw new TemplateException(path[0].Length == 0 ? "IndexError" : "KeyError", $"'{path[0]}' is not an argument of format");
        foreach (var step in path.Skip(1))
            value = member(value, step);
        if (isRepr)
            value = PythonText.Repr(value);
        return Field(value, specification, specification.Length > 0 && char.IsAsciiLetter(specification[^1]) ? specification[^1] : 's');
    }

    private static TextValue Field(TemplateValue value, string specification, char kind)
    {
        var digits = specification.TrimEnd('s', 'd', 'f', 'x', 'i', 'r').TrimStart('-', '+', ' ', '#', '<', '>', '^');
        var dot = digits.IndexOf('.');
        var width = int.TryParse(dot < 0 ? digits : digits[..dot], CultureInfo.InvariantCulture, out var parsed)
            ? Math.Min(parsed, 4096) : 0;
        var precision = dot >= 0 && int.TryParse(digits[(dot + 1)..], CultureInfo.InvariantCulture, out var places)
            ? Math.Min(places, 99) : -1;
        var text = kind switch
        {
            's' => PythonText.Str(value),
            'r' => PythonText.Repr(value),
            'd' or 'i' => new TextValue(Integer(value).ToString(CultureInfo.InvariantCulture)),
            'x' => new TextValue(Integer(value).ToString("x", CultureInfo.InvariantCulture)),
            'f' => new TextValue(Double(value).ToString("F" + (precision < 0 ? 6 : precision), CultureInfo.InvariantCulture)),
            _ => throw TemplateException.Value($"unsupported format character '{kind}'"),
        };
        if (kind == 's' && precision >= 0)
            text = text.Part(0, Math.Min(precision, text.Text.Length));
        if (text.Text.Length >= width)
            return text;
        var fill = new string(digits.StartsWith('0') && kind != 's' ? '0' : ' ', width - text.Text.Length);
        var isLeft = specification.StartsWith('-') || specification.StartsWith('<')
            || (kind == 's' && value is TextValue && !specification.StartsWith('>'));
        var builder = new TextBuilder(PythonText.CharactersMax);
        return isLeft ? builder.Append(text).Append(fill).ToValue() : builder.Append(fill).Append(text).ToValue();
    }

    private static long Integer(TemplateValue value) => value is FloatValue number ? (long)number.Value : value.ExpectInteger();

    private static double Double(TemplateValue value) => value is FloatValue number ? number.Value : value.ExpectInteger();
}
