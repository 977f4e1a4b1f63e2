using System.Globalization;
using System.Numerics;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Automata;

/// <summary>A decimal number of any size, as JSON writes it: sign × 0.digits × 10^point. Digits have no zero at either end.</summary>
/// <param name="Sign">−1, 0 or 1.</param>
/// <param name="Digits">Significant digits; empty for zero.</param>
/// <param name="Point">Where the point stands, counted from before the first digit.</param>
internal sealed record DecimalNumber(int Sign, string Digits, int Point)
{
    private const int PointMax = 2_000;

    /// <summary>True when it has no fraction.</summary>
    public bool IsInteger => Digits.Length <= Point || Sign == 0;

    /// <summary>Digits before the point, without leading zeros; "0" where there are none.</summary>
    public string Whole => Point <= 0 ? "0" : Digits.Length >= Point ? Digits[..Point] : Digits.PadRight(Point, '0');

    /// <summary>Digits behind the point, without zeros at the end.</summary>
    public string Fraction => Point >= Digits.Length ? "" : Point >= 0 ? Digits[Point..] : new string('0', -Point) + Digits;

    /// <summary>Reads a number as JSON writes it.</summary>
    /// <exception cref="GuideException">Its exponent is beyond any use.</exception>
    public static DecimalNumber Parse(string text)
    {
        var mantissa = text.AsSpan();
        var exponent = 0;
        var e = mantissa.IndexOfAny('e', 'E');
        if (e >= 0)
        {
            if (!int.TryParse(mantissa[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
                exponent = int.MaxValue / 2;
            mantissa = mantissa[..e];
        }

        var sign = mantissa.StartsWith("-") ? -1 : 1;
        mantissa = mantissa.TrimStart('-');
        var point = mantissa.IndexOf('.');
        var digits = point < 0 ? mantissa.ToString() : string.Concat(mantissa[..point], mantissa[(point + 1)..]);
        var at = (point < 0 ? mantissa.Length : point) + (long)exponent;
        var leading = digits.Length - digits.TrimStart('0').Length;
        digits = digits.Trim('0');
        if (digits.Length == 0)
            return new DecimalNumber(0, "", 0);
        at -= leading;
        if (Math.Abs(at) > PointMax || digits.Length > PointMax)
            throw new GuideException("", $"the number {(text.Length > 40 ? text[..40] + "…" : text)} is beyond {PointMax} digits");
        return new DecimalNumber(sign, digits, (int)at);
    }

    /// <summary>As an integer over a power of ten: value = integer / 10^places.</summary>
    public (BigInteger Integer, int Places) Scaled()
    {
        var places = Math.Max(0, Digits.Length - Point);
        var integer = Sign == 0 ? BigInteger.Zero
            : BigInteger.Parse(Digits, CultureInfo.InvariantCulture) * BigInteger.Pow(10, Math.Max(0, Point - Digits.Length));
        return (integer * Sign, places);
    }

    /// <summary>Without an exponent.</summary>
    public string Plain() => (Sign < 0 ? "-" : "") + Whole + (Fraction.Length > 0 ? "." + Fraction : "");
}
