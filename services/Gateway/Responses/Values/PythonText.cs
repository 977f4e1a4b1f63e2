using System.Globalization;
using System.Numerics;
using System.Text;

namespace Parley.Gateway.Responses.Values;

/// <summary>Texts and numbers as Python reads them, for they decide what a region means to transformers.</summary>
internal static class PythonText
{
    /// <summary>Python's own bound for the digits of a whole number.</summary>
    private const int DigitsMax = 4300;

    /// <summary>Whether <c>str.strip</c> takes a character away.</summary>
    public static bool IsSpace(char one) => char.IsWhiteSpace(one) || one is >= '\x1c' and <= '\x1f';

    /// <summary>As <c>str.strip</c>.</summary>
    public static string Strip(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty && IsSpace(text[0]))
            text = text[1..];
        while (!text.IsEmpty && IsSpace(text[^1]))
            text = text[..^1];
        return text.ToString();
    }

    /// <summary>As <c>int</c> reads a text: spaces around, a sign, digits of any script, single underscores between them.</summary>
    public static bool TryInteger(string text, out BigInteger value)
    {
        value = default;
        var digits = Digits(Strip(text), out var isNegative);
        if (digits is null || digits.Length > DigitsMax || !digits.All(char.IsAsciiDigit)
            || !BigInteger.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value))
        {
            return false;
        }

        if (isNegative)
            value = -value;
        return true;
    }

    /// <summary>As <c>float</c> reads a text, infinities and NaN included.</summary>
    public static bool TryFloat(string text, out double value)
    {
        value = 0;
        var shown = Digits(Strip(text), out var isNegative);
        if (shown is null)
            return false;
        switch (shown.ToLowerInvariant())
        {
            case "inf" or "infinity":
                value = double.PositiveInfinity;
                break;
            case "nan":
                value = double.NaN;
                break;
            default:
                if (shown.Length == 0 || !shown.All(one => char.IsAsciiDigit(one) || one is '.' or 'e' or 'E' or '+' or '-')
                    || shown[0] is '+' or '-'
                    || !double.TryParse(shown, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture,
                        out value))
                {
                    return false;
                }

                break;
        }

        if (isNegative)
            value = -value;
        return true;
    }

    /// <summary>Without sign and underscores, digits as ASCII; null where an underscore stands where none may.</summary>
    private static string? Digits(string text, out bool isNegative)
    {
        isNegative = text.StartsWith('-');
        var digits = new StringBuilder(text.Length);
        var isDigit = false;
        var runes = text.EnumerateRunes().Skip(text.Length > 0 && text[0] is '+' or '-' ? 1 : 0).ToArray();
        for (var index = 0; index < runes.Length; index++)
        {
            if (runes[index].Value == '_')
            {
                if (!isDigit || index + 1 == runes.Length || !Rune.IsDigit(runes[index + 1]))
                    return null;
                isDigit = false;
                continue;
            }

            isDigit = Rune.IsDigit(runes[index]);
            digits.Append(isDigit
                ? ((int)Rune.GetNumericValue(runes[index])).ToString(CultureInfo.InvariantCulture) : runes[index].ToString());
        }

        return digits.ToString();
    }
}
