using System.Globalization;
using System.Numerics;
using System.Text;

namespace Parley.Tokenizer.Templating.Values;

/// <summary>Numbers as Python reads, writes, compares and rounds them.</summary>
internal static class PythonNumber
{
    /// <summary>Python writes and reads whole numbers of at most this many digits.</summary>
    public const int DigitsMax = 4300;

    private const long BitsExact = 1L << 53;

    /// <summary>The digits of a whole number.</summary>
    public static string Text(BigInteger value)
    {
        // A digit has 3.32 bits.
        if (value.GetBitLength() > DigitsMax * 3L)
        {
            var text = value.ToString(CultureInfo.InvariantCulture);
            return text.Length - (value.Sign < 0 ? 1 : 0) <= DigitsMax ? text : throw TemplateException.Value(
                $"Exceeds the limit ({DigitsMax} digits) for integer string conversion");
        }

        return value.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>float(…) of a number: the nearest double.</summary>
    public static double ToDouble(TemplateValue value)
    {
        if (value is FloatValue number)
            return number.Value;
        var whole = value.ExpectWhole();
        if (BigInteger.Abs(whole) <= BitsExact)
            return (double)whole;
        var nearest = double.Parse(whole.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        return double.IsFinite(nearest) ? nearest : throw new TemplateException("OverflowError", "int too large to convert to float");
    }

    /// <summary>int(…) of a double.</summary>
    public static BigInteger ToWhole(double value) => double.IsNaN(value)
        ? throw TemplateException.Value("cannot convert float NaN to integer")
        : double.IsInfinity(value) ? throw new TemplateException("OverflowError", "cannot convert float infinity to integer")
        : new BigInteger(Math.Truncate(value));

    /// <summary>The order of two numbers, exact where one is whole; null where one is NaN.</summary>
    public static int? Compare(TemplateValue left, TemplateValue right)
    {
        if (left is FloatValue a && right is FloatValue b)
            return double.IsNaN(a.Value) || double.IsNaN(b.Value) ? null : a.Value.CompareTo(b.Value);
        if (left is FloatValue number)
            return Compare(number.Value, right.ExpectWhole());
        if (right is FloatValue other)
            return -Compare(other.Value, left.ExpectWhole());
        return left.ExpectWhole().CompareTo(right.ExpectWhole());
    }

    /// <summary>a / b of whole numbers, rounded once.</summary>
    public static double Quotient(BigInteger left, BigInteger right)
    {
        if (BigInteger.Abs(left) <= BitsExact && BigInteger.Abs(right) <= BitsExact)
            return (double)left / (double)right;
        var isNegative = left.Sign * right.Sign < 0;
        var (top, bottom) = (BigInteger.Abs(left), BigInteger.Abs(right));
        // Enough bits that what is cut off can only decide between "half" and "more than half".
        var shift = (int)(66 - (top.GetBitLength() - bottom.GetBitLength()));
        var quotient = BigInteger.DivRem(
            shift > 0 ? top << shift : top, shift < 0 ? bottom << -shift : bottom, out var remainder);
        if (!remainder.IsZero)
            quotient |= 1;
        // quotient has 66 or 67 bits: the nearest even of 53 by hand, then an exact scaling.
        var extra = (int)quotient.GetBitLength() - 53;
        var exponent = extra - shift;
        if (exponent < -1074)
        {
            extra += -1074 - exponent;
            exponent = -1074;
        }

        var kept = quotient >> extra;
        var rest = quotient - (kept << extra);
        var half = BigInteger.One << (extra - 1);
        if (rest > half || (rest == half && !kept.IsEven))
            kept++;
        var result = Math.ScaleB((double)kept, exponent);
        if (double.IsInfinity(result))
            throw new TemplateException("OverflowError", "integer division result too large for a float");
        return isNegative ? -result : result;
    }

    /// <summary>Python's int(text, base): white space around, one sign, single underscores, a prefix that fits the base.</summary>
    public static BigInteger? ParseWhole(string text, int numberBase)
    {
        if (numberBase is not (0 or (>= 2 and <= 36)))
            throw TemplateException.Value("int() base must be >= 2 and <= 36, or 0");
        var digits = PythonCharacter.Trim(text);
        var isNegative = digits.StartsWith('-');
        if (isNegative || digits.StartsWith('+'))
            digits = digits[1..];
        var prefixed = digits.Length > 1 && digits[0] == '0' ? char.ToLowerInvariant(digits[1]) switch
        {
            'x' => 16,
            'o' => 8,
            'b' => 2,
            _ => 0,
        } : 0;
        if (prefixed != 0 && (numberBase == 0 || numberBase == prefixed))
        {
            digits = digits[2..];
            if (digits.StartsWith('_'))
                digits = digits[1..];
            numberBase = prefixed;
        }
        else if (numberBase == 0)
        {
            numberBase = 10;
            if (digits.StartsWith('0') && digits.Trim('0', '_').Length > 0)
                return null;
        }

        return Digits(digits, numberBase) is { } value ? isNegative ? -value : value : null;
    }

    /// <summary>Python's float(text).</summary>
    public static double? ParseDouble(string text)
    {
        var digits = Ascii(PythonCharacter.Trim(text));
        switch (digits.TrimStart('+', '-').ToLowerInvariant())
        {
            case "nan" when digits.Length <= 4:
                return double.NaN;
            case "inf" when digits.Length <= 4:
            case "infinity" when digits.Length <= 9:
                return digits[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
        }

        var isDigit = false;
        var plain = new StringBuilder(digits.Length);
        for (var i = 0; i < digits.Length; i++)
        {
            // An underscore stands between two digits.
            if (digits[i] == '_' && isDigit && i + 1 < digits.Length && char.IsAsciiDigit(digits[i + 1]))
                continue;
            isDigit = char.IsAsciiDigit(digits[i]);
            if (!isDigit && digits[i] is not ('.' or 'e' or 'E' or '+' or '-'))
                return null;
            plain.Append(digits[i]);
        }

        return double.TryParse(plain.ToString(), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint
            | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var value) ? value : null;
    }

    /// <summary>Python's round(x, places): from the exact value, halves to even.</summary>
    public static double Round(double value, int places)
    {
        if (!double.IsFinite(value) || value == 0 || places > 323)
            return value;
        if (places < -309)
            return double.IsNegative(value) ? -0.0 : 0.0;
        if (places >= 0)
            return double.Parse(Fixed(value, places), CultureInfo.InvariantCulture);
        var scale = BigInteger.Pow(10, -places);
        var (numerator, denominator) = Fraction(Math.Abs(value));
        var result = PythonDouble(RoundedQuotient(numerator, denominator * scale) * scale);
        return value < 0 ? -result : result;
    }

    /// <summary>A whole number rounded to a power of ten, halves to even.</summary>
    public static BigInteger Round(BigInteger value, int places)
    {
        if (places >= 0)
            return value;
        if (-places > DigitsMax)
            return BigInteger.Zero;
        var scale = BigInteger.Pow(10, -places);
        var rounded = RoundedQuotient(BigInteger.Abs(value), scale) * scale;
        return value.Sign < 0 ? -rounded : rounded;
    }

    /// <summary>A finite double with a number of places, rounded from its exact value, halves to even.</summary>
    public static string Fixed(double value, int places)
    {
        var (numerator, denominator) = Fraction(Math.Abs(value));
        var digits = RoundedQuotient(numerator * BigInteger.Pow(10, places), denominator).ToString(CultureInfo.InvariantCulture)
            .PadLeft(places + 1, '0');
        var text = places == 0 ? digits : $"{digits[..^places]}.{digits[^places..]}";
        return double.IsNegative(value) ? "-" + text : text;
    }

    /// <summary>A finite double as numerator and denominator.</summary>
    public static (BigInteger Numerator, BigInteger Denominator) Fraction(double value)
    {
        if (value == 0)
            return (BigInteger.Zero, BigInteger.One);
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF);
        var mantissa = bits & 0xFFFFFFFFFFFFF;
        if (exponent == 0)
            exponent = 1;
        else
            mantissa |= 1L << 52;
        exponent -= 1075;
        BigInteger numerator = value < 0 ? -mantissa : mantissa;
        if (exponent >= 0)
            return (numerator << exponent, BigInteger.One);
        var shared = Math.Min(BitOperations.TrailingZeroCount(mantissa), -exponent);
        return (numerator >> shared, BigInteger.One << (-exponent - shared));
    }

    private static double PythonDouble(BigInteger value)
    {
        var number = double.Parse(value.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        return double.IsFinite(number) ? number : throw new TemplateException("OverflowError", "rounded value too large to represent");
    }

    /// <summary>The nearest whole number, halves to even; of numbers that are not negative.</summary>
    public static BigInteger RoundedQuotient(BigInteger numerator, BigInteger denominator)
    {
        var quotient = BigInteger.DivRem(numerator, denominator, out var remainder);
        var order = (remainder * 2).CompareTo(denominator);
        return order > 0 || (order == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }

    private static int Compare(double number, BigInteger whole)
    {
        if (double.IsInfinity(number))
            return number > 0 ? 1 : -1;
        var floor = Math.Floor(number);
        var order = new BigInteger(floor).CompareTo(whole);
        return order == 0 && floor < number ? 1 : order;
    }

    private static BigInteger? Digits(string text, int numberBase)
    {
        var value = BigInteger.Zero;
        var count = 0;
        var isDigit = false;
        if (numberBase == 10 && text.Length > 0 && text.All(char.IsAsciiDigit))
            return text.Length > DigitsMax ? throw TooLong(text.Length) : BigInteger.Parse(text, CultureInfo.InvariantCulture);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value == '_' && isDigit)
            {
                isDigit = false;
                continue;
            }

            var digit = rune.IsAscii && char.IsAsciiLetter((char)rune.Value)
                ? char.ToLowerInvariant((char)rune.Value) - 'a' + 10
                : PythonCharacter.DecimalDigit(rune);
            if (digit < 0 || digit >= numberBase)
                return null;
            isDigit = true;
            value = (value * numberBase) + digit;
            if (++count > DigitsMax)
                throw TooLong(text.Length);
        }

        return isDigit ? value : null;
    }

    private static TemplateException TooLong(int count) => TemplateException.Value(
        $"Exceeds the limit ({DigitsMax} digits) for integer string conversion: value has {count} digits");

    private static string Ascii(string text) => text.All(char.IsAscii) ? text : string.Concat(text.EnumerateRunes().Select(rune =>
        PythonCharacter.DecimalDigit(rune) is >= 0 and var digit ? digit.ToString(CultureInfo.InvariantCulture) : rune.ToString()));
}
