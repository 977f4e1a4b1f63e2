using System.Globalization;
using System.Text;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Values as Python's str and repr write them.</summary>
internal static class PythonText
{
    /// <summary>No text of a template may be longer than this, whatever the options say.</summary>
    public const int CharactersMax = 1 << 26;

    /// <summary>Python's str.</summary>
    public static TextValue Str(TemplateValue value) => value switch
    {
        TextValue text => text,
        UndefinedValue => TextValue.Empty,
        _ => Repr(value),
    };

    /// <summary>Python's repr.</summary>
    public static TextValue Repr(TemplateValue value)
    {
        switch (value)
        {
            case IntegerValue integer:
                return new TextValue(PythonNumber.Text(integer.Value));
            case NoneValue:
                return new TextValue("None");
            case BooleanValue boolean:
                return new TextValue(boolean.IsTrue ? "True" : "False");
            case FloatValue number:
                return new TextValue(Number(number.Value));
            default:
                var builder = new TextBuilder(CharactersMax);
                Write(value, builder);
                return builder.ToValue();
        }
    }

    /// <summary>The shortest text that reads back as the same number, in Python's layout.</summary>
    public static string Number(double value)
    {
        if (double.IsNaN(value))
            return "nan";
        if (double.IsInfinity(value))
            return value > 0 ? "inf" : "-inf";
        if (value == 0)
            return double.IsNegative(value) ? "-0.0" : "0.0";
        // "E16" would round; the default format is the shortest, only its layout differs.
        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        var sign = shortest[0] == '-' ? "-" : "";
        var parts = shortest.TrimStart('-').Split('E');
        var mantissa = parts[0].Split('.');
        var exponent = parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0;
        var digits = mantissa[0] + (mantissa.Length > 1 ? mantissa[1] : "");
        var point = mantissa[0].Length + exponent;
        var leading = digits.Length - digits.TrimStart('0').Length;
        digits = digits.TrimStart('0').TrimEnd('0');
        point -= leading;
        if (point is > 16 or <= -4)
        {
            var fraction = digits.Length > 1 ? "." + digits[1..] : "";
            var power = point - 1;
            return $"{sign}{digits[0]}{fraction}e{(power < 0 ? '-' : '+')}{Math.Abs(power):00}";
        }

        if (point <= 0)
            return $"{sign}0.{new string('0', -point)}{digits}";
        return digits.Length <= point
            ? $"{sign}{digits}{new string('0', point - digits.Length)}.0"
            : $"{sign}{digits[..point]}.{digits[point..]}";
    }

    /// <summary>Python's ascii: repr with escapes for all that is not ASCII.</summary>
    public static TextValue AsciiRepr(TemplateValue value)
    {
        var text = Repr(value);
        if (Ascii.IsValid(text.Text))
            return text;
        var builder = new TextBuilder(CharactersMax);
        for (var i = 0; i < text.Text.Length;)
        {
            var point = Rune.TryGetRuneAt(text.Text, i, out var rune) ? rune.Value : text.Text[i];
            builder.Append(point < 0x80 ? ((char)point).ToString() : Numbered(point), text.User.Overlaps(i, i + 1));
            i += point > 0xFFFF ? 2 : 1;
        }

        return builder.ToValue();
    }

    private static void Write(TemplateValue value, TextBuilder builder)
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (value)
        {
            case TextValue text:
                WriteText(text, builder);
                break;
            case SequenceValue { Kind: SequenceValue.Form.Range, Bounds: var (start, stop, step) }:
                builder.Append(step == 1 ? $"range({start}, {stop})" : $"range({start}, {stop}, {step})");
                break;
            case SequenceValue { IsGenerator: true }:
                builder.Append("<generator object>");
                break;
            case LoopValue loop:
                builder.Append(loop.ToString());
                break;
            case NamespaceValue space:
                builder.Append("<Namespace ");
                Write(space.ToDictionary(), builder);
                builder.Append(">");
                break;
            case FunctionValue { Attributes: { } attributes } when attributes.TryGetValue("name", out var name):
                builder.Append("<Macro ");
                Write(name, builder);
                builder.Append(">");
                break;
            case SequenceValue sequence:
                WriteSequence(sequence, builder);
                break;
            case DictionaryValue dictionary:
                builder.Append("{");
                var separator = "";
                foreach (var (key, member) in dictionary.Entries)
                {
                    builder.Append(separator);
                    Write(key, builder);
                    builder.Append(": ");
                    Write(member, builder);
                    separator = ", ";
                }

                builder.Append("}");
                break;
            case UndefinedValue:
                builder.Append("Undefined");
                break;
            case IntegerValue or FloatValue or BooleanValue or NoneValue:
                builder.Append(Repr(value).Text);
                break;
            default:
                builder.Append($"<{value.TypeName}>");
                break;
        }
    }

    private static void WriteSequence(SequenceValue sequence, TextBuilder builder)
    {
        var (open, close) = sequence.Kind switch
        {
            SequenceValue.Form.Tuple => ("(", sequence.Items.Count == 1 ? ",)" : ")"),
            SequenceValue.Form.List => ("[", "]"),
            _ => (sequence.TypeName + "([", "])"),
        };
        builder.Append(open);
        for (var i = 0; i < sequence.Items.Count; i++)
        {
            if (i > 0)
                builder.Append(", ");
            Write(sequence.Items[i], builder);
        }

        builder.Append(close);
    }

    private static void WriteText(TextValue value, TextBuilder builder)
    {
        var text = value.Text;
        if (value.IsMarkup)
            builder.Append("Markup(");
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        builder.Append(quote.ToString());
        for (var i = 0; i < text.Length;)
        {
            var isValid = Rune.TryGetRuneAt(text, i, out var rune);
            var length = isValid ? rune.Utf16SequenceLength : 1;
            var isUser = value.User.Overlaps(i, i + length);
            builder.Append(Escape(isValid ? rune.Value : text[i], quote, text.Substring(i, length)), isUser);
            i += length;
        }

        builder.Append(quote.ToString());
        if (value.IsMarkup)
            builder.Append(")");
    }

    private static string Escape(int point, char quote, string text)
    {
        if (point == quote || point == '\\')
            return "\\" + text;
        if (point is '\n' or '\r' or '\t')
            return point switch { '\n' => "\\n", '\r' => "\\r", _ => "\\t" };
        return Rune.IsValid(point) && PythonCharacter.IsPrintable(new Rune(point)) ? text : Numbered(point);
    }

    private static string Numbered(int point) => point switch
    {
        < 0x100 => $"\\x{point:x2}",
        < 0x10000 => $"\\u{point:x4}",
        _ => $"\\U{point:x8}",
    };
}
