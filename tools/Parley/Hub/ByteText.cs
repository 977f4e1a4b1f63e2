using System.Globalization;

namespace Parley.Cli.Hub;

/// <summary>Numbers of bytes as people read them: decimal units, as disks and downloads are sold.</summary>
internal static class ByteText
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB"];

    public static string Of(double bytes)
    {
        var unit = 0;
        while (bytes >= 999.5 && unit < Units.Length - 1)
            (bytes, unit) = (bytes / 1000, unit + 1);
        var format = unit == 0 || bytes >= 99.95 ? "0" : bytes >= 9.995 ? "0.0" : "0.00";
        return $"{bytes.ToString(format, CultureInfo.InvariantCulture)} {Units[unit]}";
    }
}
