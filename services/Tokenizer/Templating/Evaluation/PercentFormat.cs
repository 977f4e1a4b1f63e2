using System.Globalization;
using System.Numerics;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Python's <c>"… %s …" % values</c>.</summary>
internal sealed class PercentFormat
{
    private const int WidthMax = 1 << 20;

    private readonly TextValue _format;
    private readonly TemplateValue _values;
    private readonly IReadOnlyList<TemplateValue> _items;
    private readonly TextBuilder _builder;
    private int _used;
    private int _at;

    private PercentFormat(TextValue format, TemplateValue values, int charactersMax)
    {
        _format = format;
        _values = values;
        _items = values is SequenceValue { Kind: SequenceValue.Form.Tuple } tuple ? tuple.Items : [values];
        _builder = new TextBuilder(charactersMax);
    }

    /// <summary>Fills in a format.</summary>
    public static TextValue Apply(TextValue format, TemplateValue values, int charactersMax)
    {
        var run = new PercentFormat(format, values, charactersMax);
        run.Run();
        return run._builder.ToValue(format.IsMarkup);
    }

    private void Run()
    {
        var text = _format.Text;
        while (_at < text.Length)
        {
            var next = text.IndexOf('%', _at);
            next = next < 0 ? text.Length : next;
            _builder.Append(_format.Part(_at, next - _at));
            _at = next;
            if (_at < text.Length)
                ReadField();
        }

        var isMapping = _values is DictionaryValue or UndefinedValue
            or SequenceValue { Kind: SequenceValue.Form.List or SequenceValue.Form.Range };
        if (_used < _items.Count && !isMapping)
            throw TemplateException.Type("not all arguments converted during string formatting");
    }

    private char Peek() => _at < _format.Text.Length ? _format.Text[_at] : throw TemplateException.Value("incomplete format");

    private void ReadField()
    {
        _at++;
        TemplateValue? keyed = null;
        if (Peek() == '(')
            keyed = ReadKey();
        var flags = "";
        while ("#0- +".Contains(Peek()))
            flags += _format.Text[_at++];
        var width = ReadNumber();
        if (width < 0)
            (flags, width) = (flags + "-", -width);
        int? precision = null;
        if (Peek() == '.')
        {
            _at++;
            precision = Math.Max(0, ReadNumber() ?? 0);
        }

        while (Peek() is 'h' or 'l' or 'L')
            _at++;
        var kind = Peek();
        _at++;
        if (kind == '%')
        {
            _builder.Append("%");
            return;
        }

        var value = keyed ?? NextValue();
        // Markup lets in nothing that is none.
        if (_format.IsMarkup && kind is ('s' or 'r' or 'a'))
            (kind, value) = ('s', TextMethods.Escape(kind switch
            {
                's' => PythonText.Str(value),
                'r' => PythonText.Repr(value),
                _ => PythonText.AsciiRepr(value),
            }));
        _builder.Append(Convert(kind, value, flags, width ?? 0, precision));
    }

    private TemplateValue ReadKey()
    {
        var (start, depth) = (_at + 1, 0);
        do
        {
            depth += Peek() switch { '(' => 1, ')' => -1, _ => 0 };
            _at++;
        }
        while (depth > 0);
        if (_values is not DictionaryValue mapping)
            throw TemplateException.Type("format requires a mapping");
        var key = _format.Text[start..(_at - 1)];
        return mapping.TryGet(new TextValue(key), out var value) ? value : throw new TemplateException("KeyError", $"'{key}'");
    }

    private int? ReadNumber()
    {
        if (Peek() == '*')
        {
            _at++;
            var value = NextValue();
            return value.IsWhole ? (int)BigInteger.Min(BigInteger.Max(value.ExpectWhole(), -WidthMax), WidthMax)
                : throw TemplateException.Type("* wants int");
        }

        var start = _at;
        while (char.IsAsciiDigit(Peek()))
            _at++;
        if (_at == start)
            return null;
        return int.TryParse(_format.Text.AsSpan(start, _at - start), CultureInfo.InvariantCulture, out var number) && number <= WidthMax
            ? number
            : throw TemplateException.Limit("characters of a format's width", WidthMax);
    }

    private TemplateValue NextValue() => _used < _items.Count
        ? _items[_used++]
        : throw TemplateException.Type("not enough arguments for format string");

    private static TextValue Convert(char kind, TemplateValue value, string flags, int width, int? precision)
    {
        var isLeft = flags.Contains('-');
        var layout = new FormatSpecification
        {
            Fill = flags.Contains('0') && !isLeft ? "0" : " ",
            Align = isLeft ? '<' : flags.Contains('0') ? '=' : '>',
            Sign = flags.Contains('+') ? '+' : flags.Contains(' ') ? ' ' : '\0',
            IsAlternate = flags.Contains('#'),
            Width = width,
        };
        switch (kind)
        {
            case 's' or 'r' or 'a':
                var text = kind == 's' ? PythonText.Str(value) : kind == 'r' ? PythonText.Repr(value) : PythonText.AsciiRepr(value);
                return (Plain(layout, isLeft) with { Precision = precision ?? -1 }).ApplyText(text);
            case 'c':
                return Plain(layout, isLeft).ApplyText(Character(value));
            case 'd' or 'i' or 'u':
                return Whole(layout with { Type = 'd' }, Truncated(value, kind), precision);
            case 'x' or 'X' or 'o':
                return Whole(layout with { Type = kind }, value.IsWhole ? value.ExpectWhole()
                    : throw TemplateException.Type($"%{kind} format: an integer is required, not {value.TypeName}"), precision);
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                return value.IsWhole || value is FloatValue
                    ? (layout with { Type = kind, Precision = Math.Min(precision ?? 6, 4096) }).ApplyDouble(PythonNumber.ToDouble(value))
                    : throw TemplateException.Type($"must be real number, not {value.TypeName}");
            default:
                throw TemplateException.Value($"unsupported format character '{kind}' (0x{(int)kind:x})");
        }
    }

    // Texts know neither signs nor zeros.
    private static FormatSpecification Plain(FormatSpecification layout, bool isLeft) =>
        new() { Align = isLeft ? '<' : '>', Width = layout.Width };

    private static TextValue Character(TemplateValue value) => value switch
    {
        TextValue { Length: 1 } text => text,
        IntegerValue or BooleanValue => new FormatSpecification { Type = 'c' }.ApplyWhole(value.ExpectWhole()),
        _ => throw TemplateException.Type("%c requires int or char"),
    };

    private static BigInteger Truncated(TemplateValue value, char kind) => value switch
    {
        IntegerValue or BooleanValue => value.ExpectWhole(),
        FloatValue number => PythonNumber.ToWhole(number.Value),
        _ => throw TemplateException.Type($"%{kind} format: a real number is required, not {value.TypeName}"),
    };

    // A precision is a least number of digits here.
    private static TextValue Whole(FormatSpecification layout, BigInteger value, int? precision)
    {
        if (precision is not { } least)
            return layout.ApplyWhole(value);
        var digits = (layout with { Width = 0, Sign = '\0', IsAlternate = false }).ApplyWhole(BigInteger.Abs(value)).Text
            .PadLeft(Math.Min(least, WidthMax), '0');
        var prefix = layout.IsAlternate ? layout.Type switch { 'x' => "0x", 'X' => "0X", 'o' => "0o", _ => "" } : "";
        var head = (value.Sign < 0 ? "-" : layout.Sign is '+' or ' ' ? layout.Sign.ToString() : "") + prefix;
        var missing = Math.Max(0, layout.Width - head.Length - digits.Length);
        return new TextValue(layout.Align switch
        {
            '<' => head + digits + new string(' ', missing),
            '=' => head + new string('0', missing) + digits,
            _ => new string(' ', missing) + head + digits,
        });
    }
}
