using System.Globalization;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Python's <c>"{} {0.name[key]!r:&gt;{width}}".format(…)</c>, with members looked up as the sandbox does.</summary>
internal sealed class BraceFormat(CallArguments arguments, Members members, int charactersMax)
{
    private const int NestingMax = 2;

    private int _next;
    private bool _isManual;
    private bool _escapes;

    /// <summary>Fills in a format.</summary>
    public TextValue Apply(TextValue format)
    {
        _escapes = format.IsMarkup;
        return Apply(format, NestingMax).AsMarkup(format.IsMarkup);
    }

    private TextValue Apply(TextValue format, int nesting)
    {
        if (nesting < 0)
            throw TemplateException.Value("Max string recursion exceeded");
        var builder = new TextBuilder(charactersMax);
        var text = format.Text;
        for (var i = 0; i < text.Length;)
        {
            var next = text.AsSpan(i).IndexOfAny('{', '}') is >= 0 and var offset ? i + offset : text.Length;
            builder.Append(format.Part(i, next - i));
            if (next == text.Length)
                break;
            if (next + 1 < text.Length && text[next + 1] == text[next])
            {
                builder.Append(format.Part(next, 1));
                i = next + 2;
            }
            else if (text[next] == '}')
            {
                throw TemplateException.Value("Single '}' encountered in format string");
            }
            else
            {
                var end = End(text, next + 1);
                builder.Append(Replacement(text[(next + 1)..end], nesting));
                i = end + 1;
            }
        }

        return builder.ToValue();
    }

    // Where the field that starts here closes; brackets hide braces, and a specification may hold fields of its own.
    private static int End(string text, int start)
    {
        var depth = 1;
        var inKey = false;
        for (var i = start; i < text.Length; i++)
        {
            if (inKey || text[i] == '[')
                inKey = text[i] != ']';
            else if (text[i] == '{')
                depth++;
            else if (text[i] == '}' && --depth == 0)
                return i;
        }

        throw TemplateException.Value(start == text.Length ? "Single '{' encountered in format string"
            : "expected '}' before end of string");
    }

    private TextValue Replacement(string field, int nesting)
    {
        var inKey = false;
        var end = 0;
        for (; end < field.Length && (inKey || field[end] is not (':' or '!')); end++)
            inKey = field[end] == '[' || (inKey && field[end] != ']');
        var value = Find(field[..end]);
        var rest = field[end..];
        if (rest.StartsWith('!'))
        {
            value = rest.Length > 1 && (rest.Length == 2 || rest[2] == ':')
                ? Converted(value, rest[1])
                : throw TemplateException.Value("expected ':' after conversion specifier");
            rest = rest[2..];
        }

        var specification = rest.Length > 1 ? Apply(new TextValue(rest[1..]), nesting - 1).Text : "";
        var text = specification.Length == 0 ? PythonText.Str(value) : FormatSpecification.Parse(specification).Apply(value);
        return _escapes ? TextMethods.Escape(text) : text;
    }

    private static TextValue Converted(TemplateValue value, char conversion) => conversion switch
    {
        's' => PythonText.Str(value),
        'r' => PythonText.Repr(value),
        'a' => PythonText.AsciiRepr(value),
        _ => throw TemplateException.Value($"Unknown conversion specifier {conversion}"),
    };

    private TemplateValue Find(string path)
    {
        var end = path.AsSpan().IndexOfAny('.', '[') is >= 0 and var found ? found : path.Length;
        var value = First(path[..end]);
        while (end < path.Length)
        {
            var isKey = path[end] == '[';
            var start = end + 1;
            end = isKey ? path.IndexOf(']', start)
                : path.AsSpan(start).IndexOfAny('.', '[') is >= 0 and var more ? start + more : path.Length;
            if (end <= start)
                throw TemplateException.Value(isKey && end < 0 ? "Missing ']' in format string" : "Empty attribute in format string");
            var name = path[start..end];
            if (!isKey)
            {
                value = members.Attribute(value, name);
                continue;
            }

            value = members.Element(value, int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                ? TemplateValue.Of(index) : new TextValue(name));
            end++;
            if (end < path.Length && path[end] is not ('.' or '['))
                throw TemplateException.Value("Only '.' or '[' may follow ']' in format field specifier");
        }

        return value;
    }

    private TemplateValue First(string name)
    {
        var isNumber = name.Length > 0 && name.All(char.IsAsciiDigit);
        if (name.Length > 0 && !isNumber)
        {
            foreach (var (key, value) in arguments.Keywords)
            {
                if (key == name)
                    return value;
            }

            throw new TemplateException("KeyError", $"'{name}'");
        }

        if (isNumber ? _next > 0 : _isManual)
            throw TemplateException.Value("cannot switch between manual field specification and automatic field numbering");
        _isManual |= isNumber;
        var index = !isNumber ? _next++ : int.TryParse(name, CultureInfo.InvariantCulture, out var given) ? given : int.MaxValue;
        return index < arguments.Positional.Count
            ? arguments.Positional[index]
            : throw new TemplateException("IndexError", $"Replacement index {index} out of range for positional args tuple");
    }
}
