using System.Globalization;
using System.Text;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>datetime.strftime on Linux: every directive of glibc in the C locale, with its flags and widths.</summary>
internal static class PythonTime
{
    private const int WidthMax = 1024;

    public static string Format(DateTimeOffset time, string format)
    {
        var result = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                result.Append(format[i]);
                continue;
            }

            var start = i++;
            char pad = '\0', letterCase = '\0';
            for (; i < format.Length && format[i] is '_' or '-' or '0' or '^' or '#'; i++)
                _ = format[i] is '^' or '#' ? letterCase = format[i] : pad = format[i];
            var width = 0;
            for (; i < format.Length && char.IsAsciiDigit(format[i]); i++)
                width = Math.Min((width * 10) + format[i] - '0', WidthMax);
            if (i < format.Length && format[i] is 'E' or 'O')
                i++;
            var field = i < format.Length ? Field(time, format[i]) : null;
            if (field is { } found)
                Append(result, found, pad, letterCase, width, format[i]);
            else
                result.Append(format, start, Math.Min(i + 1, format.Length) - start);
        }

        return result.ToString();
    }

    private static void Append(
        StringBuilder result, (string Text, char Pad, int Width) field, char pad, char letterCase, int width, char letter)
    {
        var text = letterCase switch
        {
            '^' => field.Text.ToUpperInvariant(),
            '#' when letter is 'p' or 'Z' => field.Text.ToLowerInvariant(),
            '#' when letter is 'a' or 'A' or 'b' or 'B' or 'h' => field.Text.ToUpperInvariant(),
            _ => field.Text,
        };
        // "-" leaves the padding out, "_" and "0" choose its character; a number has a width of its own.
        var character = pad switch { '_' => ' ', '0' => '0', _ => field.Pad == '\0' ? ' ' : field.Pad };
        var length = Math.Max(width, pad == '-' ? 0 : field.Width);
        result.Append(text.PadLeft(length, character));
    }

    // Text, its own padding and its own width; numbers come without leading zeros.
    private static (string Text, char Pad, int Width)? Field(DateTimeOffset time, char letter)
    {
        var weekday = (int)time.DayOfWeek;
        var fromMonday = (weekday + 6) % 7;
        return letter switch
        {
            'Y' => Number(time.Year, 0),
            'C' => Number(time.Year / 100, 2),
            'y' => Number(time.Year % 100, 2),
            'G' => Number(ISOWeek.GetYear(time.DateTime), 0),
            'g' => Number(ISOWeek.GetYear(time.DateTime) % 100, 2),
            'm' => Number(time.Month, 2),
            'd' => Number(time.Day, 2),
            'e' => Number(time.Day, 2, ' '),
            'H' => Number(time.Hour, 2),
            'k' => Number(time.Hour, 2, ' '),
            'I' => Number((time.Hour + 11) % 12 + 1, 2),
            'l' => Number((time.Hour + 11) % 12 + 1, 2, ' '),
            'M' => Number(time.Minute, 2),
            'S' => Number(time.Second, 2),
            'j' => Number(time.DayOfYear, 3),
            'U' => Number((time.DayOfYear - 1 + 7 - weekday) / 7, 2),
            'W' => Number((time.DayOfYear - 1 + 7 - fromMonday) / 7, 2),
            'V' => Number(ISOWeek.GetWeekOfYear(time.DateTime), 2),
            'u' => Number(fromMonday + 1, 1),
            'w' => Number(weekday, 1),
            's' => Number(time.ToUnixTimeSeconds(), 1),
            'B' => Text(time, "MMMM"),
            'b' or 'h' => Text(time, "MMM"),
            'A' => Text(time, "dddd"),
            'a' => Text(time, "ddd"),
            'f' => Text(time, "ffffff"),
            'p' => Text(time, "tt"),
            'P' => (time.ToString("tt", CultureInfo.InvariantCulture).ToLowerInvariant(), '\0', 0),
            'F' => Text(time, "yyyy-MM-dd"),
            'T' or 'X' => Text(time, "HH:mm:ss"),
            'R' => Text(time, "HH:mm"),
            'r' => Text(time, "hh:mm:ss tt"),
            'D' or 'x' => Text(time, "MM/dd/yy"),
            'c' => ($"{Text(time, "ddd MMM").Text} {time.Day,2} {Text(time, "HH:mm:ss yyyy").Text}", '\0', 0),
            // A time without a zone writes neither its name nor its offset.
            'z' or 'Z' => ("", '\0', 0),
            'n' => ("\n", '\0', 0),
            't' => ("\t", '\0', 0),
            '%' => ("%", '\0', 0),
            _ => null,
        };
    }

    private static (string Text, char Pad, int Width) Number(long value, int width, char pad = '0') =>
        (value.ToString(CultureInfo.InvariantCulture), pad, width);

    // "/" and ":" stand for a culture's own separators: the invariant one has these.
    private static (string Text, char Pad, int Width) Text(DateTimeOffset time, string format) =>
        (time.ToString(format, CultureInfo.InvariantCulture), '\0', 0);
}
