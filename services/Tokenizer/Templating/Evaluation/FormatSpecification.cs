using System.Globalization;
using System.Numerics;
using System.Text;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>How Python's format and % lay out one value: fill, sign, width, grouping, precision, type.</summary>
internal sealed record FormatSpecification
{
    private const int WidthMax = 1 << 20;
    private const int PrecisionMax = 1 << 12;

    public string Fill { get; init; } = " ";

    /// <summary>One of &lt;, &gt;, ^ and =, or nothing for the type's own.</summary>
    public char Align { get; init; }

    /// <summary>One of +, - and space, or nothing.</summary>
    public char Sign { get; init; }

    public bool IsAlternate { get; init; }

    public int Width { get; init; }

    /// <summary>A comma or an underscore, or nothing.</summary>
    public char Grouping { get; init; }

    /// <summary>−1 where there is none.</summary>
    public int Precision { get; init; } = -1;

    /// <summary>The presentation type, or nothing.</summary>
    public char Type { get; init; }

    /// <summary>Reads what follows the colon in <c>{:…}</c>.</summary>
    public static FormatSpecification Parse(string text)
    {
        var result = new FormatSpecification();
        var runes = text.EnumerateRunes().Select(rune => rune.ToString()).ToArray();
        var at = 0;
        char Peek() => at < runes.Length ? runes[at][0] : '\0';
        if (runes.Length > 1 && runes[1] is "<" or ">" or "^" or "=")
            (result, at) = (result with { Fill = runes[0], Align = runes[1][0] }, 2);
        else if (Peek() is '<' or '>' or '^' or '=')
            result = result with { Align = runes[at++][0] };
        if (Peek() is '+' or '-' or ' ')
            result = result with { Sign = runes[at++][0] };
        if (Peek() == 'z')
            at++;
        if (Peek() == '#')
            (result, at) = (result with { IsAlternate = true }, at + 1);
        if (Peek() == '0')
        {
            result = result with { Fill = at >= 2 && result.Align != '\0' && result.Fill != " " ? result.Fill : "0" };
            if (result.Align == '\0')
                result = result with { Align = '0' };
            at++;
        }

        result = result with { Width = Number(runes, ref at, WidthMax) ?? 0 };
        if (Peek() is ',' or '_')
            result = result with { Grouping = runes[at++][0] };
        if (Peek() == '.')
        {
            at++;
            result = result with
            {
                Precision = Number(runes, ref at, PrecisionMax) ?? throw TemplateException.Value("Format specifier missing precision"),
            };
        }

        if (at < runes.Length - 1)
            throw TemplateException.Value($"Invalid format specifier '{text}'");
        return at < runes.Length ? result with { Type = runes[at][0] } : result;
    }

    /// <summary>Python's format(value, specification).</summary>
    public TextValue Apply(TemplateValue value)
    {
        switch (value)
        {
            case TextValue text:
                return ApplyText(text);
            case BooleanValue when this == new FormatSpecification():
                return PythonText.Str(value);
            case IntegerValue or BooleanValue:
                return Type is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%'
                    ? ApplyDouble(PythonNumber.ToDouble(value))
                    : ApplyWhole(value.ExpectWhole());
            case FloatValue number:
                return ApplyDouble(number.Value);
            default:
                return this == new FormatSpecification() ? PythonText.Str(value)
                    : throw TemplateException.Type($"unsupported format string passed to {value.TypeName}.__format__");
        }
    }

    public TextValue ApplyText(TextValue text)
    {
        if (Type is not ('\0' or 's'))
            throw Unknown("str");
        if (Align == '=' || Sign != '\0' || IsAlternate || Grouping != '\0')
            throw TemplateException.Value("Sign, alternate form, '=' alignment and grouping are not allowed in string format specifier");
        if (Precision >= 0 && text.Length > Precision)
            text = (TextValue)Members.Slice(text, null, TemplateValue.Of(Precision), null);
        return Pad(text, Align is '\0' or '0' ? '<' : Align);
    }

    public TextValue ApplyWhole(BigInteger value)
    {
        if (Precision >= 0)
            throw TemplateException.Value("Precision not allowed in integer format specifier");
        if (Type == 'c')
        {
            return Pad(new TextValue(Rune.IsValid((int)BigInteger.Min(BigInteger.Max(value, -1), 0x110000))
                ? new Rune((int)value).ToString()
                : throw new TemplateException("OverflowError", "%c arg not in range(0x110000)")), Align == '\0' ? '<' : Align);
        }

        var absolute = BigInteger.Abs(value);
        var (digits, prefix) = Type switch
        {
            '\0' or 'd' or 'n' => (PythonNumber.Text(absolute), ""),
            'x' => (Digits(absolute, 16), "0x"),
            'X' => (Digits(absolute, 16).ToUpperInvariant(), "0X"),
            'o' => (Digits(absolute, 8), "0o"),
            'b' => (Digits(absolute, 2), "0b"),
            _ => throw Unknown("int"),
        };
        return Layout(value.Sign < 0, IsAlternate ? prefix : "", digits, "", Type is 'x' or 'X' or 'o' or 'b' ? 4 : 3);
    }

    public TextValue ApplyDouble(double value)
    {
        if (Type is not ('\0' or 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or 'n' or '%'))
            throw Unknown("float");
        var text = Unsigned(Math.Abs(value));
        if (Type is 'E' or 'F' or 'G')
            text = text.ToUpperInvariant();
        var end = text.AsSpan().IndexOfAnyExcept("0123456789".AsSpan());
        var whole = end < 0 ? text : text[..end];
        return Layout(double.IsNegative(value) && !double.IsNaN(value), "", whole, end < 0 ? "" : text[end..], 3);
    }

    private string Unsigned(double value)
    {
        if (!double.IsFinite(value))
            return (double.IsNaN(value) ? "nan" : "inf") + (Type == '%' ? "%" : "");
        switch (Type)
        {
            case 'f' or 'F':
                return Pointed(PythonNumber.Fixed(value, Precision < 0 ? 6 : Precision));
            case '%':
                var scaled = value * 100;
                return (double.IsFinite(scaled) ? Pointed(PythonNumber.Fixed(scaled, Precision < 0 ? 6 : Precision)) : "inf") + "%";
            case 'e' or 'E':
                return Scientific(value, Precision < 0 ? 6 : Precision, IsAlternate);
            case '\0' when Precision < 0:
                return PythonText.Number(value);
            default:
                return General(value, Precision < 0 ? 6 : Math.Max(1, Precision), Type == '\0');
        }
    }

    private string Pointed(string digits) => IsAlternate && !digits.Contains('.') ? digits + "." : digits;

    private string General(double value, int precision, bool withPoint)
    {
        var (digits, exponent) = Significant(value, precision);
        string text;
        if (exponent < -4 || exponent >= precision - (withPoint ? 1 : 0))
        {
            text = Scientific(value, precision - 1, IsAlternate);
            var at = text.IndexOf('e');
            return IsAlternate || !text.Contains('.') ? text : text[..at].TrimEnd('0').TrimEnd('.') + text[at..];
        }

        text = exponent < 0 ? "0." + new string('0', -exponent - 1) + digits
            : digits.Length == exponent + 1 ? digits
            : $"{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
        if (!IsAlternate && text.Contains('.'))
            text = text.TrimEnd('0').TrimEnd('.');
        return withPoint && !text.Contains('.') ? text + ".0" : Pointed(text);
    }

    private static string Scientific(double value, int precision, bool isAlternate)
    {
        var (digits, exponent) = Significant(value, precision + 1);
        var fraction = digits.Length > 1 ? "." + digits[1..] : isAlternate ? "." : "";
        return $"{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    // The exact value rounded to a number of digits, halves to even, and the power of ten of the first.
    private static (string Digits, int Exponent) Significant(double value, int count)
    {
        if (value == 0)
            return (new string('0', count), 0);
        var (numerator, denominator) = PythonNumber.Fraction(value);
        var exponent = (int)Math.Floor(Math.Log10(value));
        while (true)
        {
            var shift = count - 1 - exponent;
            var digits = PythonNumber.RoundedQuotient(
                shift > 0 ? numerator * BigInteger.Pow(10, shift) : numerator,
                shift < 0 ? denominator * BigInteger.Pow(10, -shift) : denominator).ToString(CultureInfo.InvariantCulture);
            if (digits.Length == count)
                return (digits, exponent);
            exponent += digits.Length > count ? 1 : -1;
        }
    }

    // Sign, prefix, grouped digits, the rest, padded.
    private TextValue Layout(bool isNegative, string prefix, string digits, string rest, int groupSize)
    {
        var sign = isNegative ? "-" : Sign is '+' or ' ' ? Sign.ToString() : "";
        var isZero = Align == '0' || (Align == '=' && Fill == "0");
        if (Grouping != '\0' && digits.Length > 0 && char.IsAsciiHexDigit(digits[0]))
        {
            var length = Width - sign.Length - prefix.Length - rest.Length;
            digits = Grouped(digits, groupSize, isZero ? length : 0);
        }

        var text = sign + prefix + digits + rest;
        var missing = Width - text.Length;
        if (missing <= 0)
            return new TextValue(text);
        return Align is '=' or '0'
            ? new TextValue(sign + prefix + string.Concat(Enumerable.Repeat(Fill, missing)) + digits + rest)
            : Pad(new TextValue(text), Align == '\0' ? '>' : Align);
    }

    private string Grouped(string digits, int size, int lengthMin)
    {
        string text;
        for (; ; digits = "0" + digits)
        {
            var builder = new StringBuilder();
            for (var i = 0; i < digits.Length; i++)
            {
                if (i > 0 && (digits.Length - i) % size == 0)
                    builder.Append(Grouping);
                builder.Append(digits[i]);
            }

            text = builder.ToString();
            if (text.Length >= lengthMin)
                return text;
        }
    }

    private TextValue Pad(TextValue text, char align)
    {
        var missing = Width - text.Length;
        if (missing <= 0)
            return text;
        var before = align switch { '<' => 0, '^' => missing / 2, _ => missing };
        return new TextBuilder(PythonText.CharactersMax).Append(string.Concat(Enumerable.Repeat(Fill, before))).Append(text)
            .Append(string.Concat(Enumerable.Repeat(Fill, missing - before))).ToValue(text.IsMarkup);
    }

    private static string Digits(BigInteger value, int numberBase)
    {
        if (value.IsZero)
            return "0";
        var digits = new StringBuilder();
        for (; !value.IsZero; value /= numberBase)
            digits.Insert(0, "0123456789abcdef"[(int)(value % numberBase)]);
        return digits.ToString();
    }

    private static int? Number(string[] runes, ref int at, int max)
    {
        var start = at;
        long value = 0;
        for (; at < runes.Length && char.IsAsciiDigit(runes[at][0]); at++)
            value = Math.Min((value * 10) + runes[at][0] - '0', (long)max + 1);
        return at == start ? null : value <= max ? (int)value : throw TemplateException.Limit("characters of a format's width", max);
    }

    private TemplateException Unknown(string type) =>
        TemplateException.Value($"Unknown format code '{Type}' for object of type '{type}'");
}
