using System.Globalization;

namespace Parley.Cli.Sizing;

/// <summary>Amounts of memory as Kubernetes writes them: <c>16Gi</c>, <c>512Mi</c>, <c>2G</c>, or bytes.</summary>
internal static class ByteSize
{
    private const long Mebibyte = 1 << 20;

    private static readonly (string Unit, double Bytes)[] Units =
    [
        ("Ki", 1L << 10), ("Mi", Mebibyte), ("Gi", 1L << 30), ("Ti", 1L << 40), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12), ("", 1),
    ];

    /// <exception cref="UserErrorException">The text is no amount; the message names the option.</exception>
    public static long Parse(string text, string option)
    {
        var (unit, factor) = Units.First(one => text.EndsWith(one.Unit, StringComparison.Ordinal));
        return double.TryParse(
                text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && number > 0 && number * factor < 1L << 60
            ? (long)(number * factor)
            : throw new UserErrorException($"{option} is '{text}'; give an amount as Kubernetes does, e.g. 16Gi or 512Mi.");
    }

    /// <summary>Whole mebibytes, rounded up.</summary>
    public static long Mebibytes(long bytes) => (bytes + Mebibyte - 1) / Mebibyte;

    /// <summary>As Kubernetes takes it, in whole mebibytes.</summary>
    public static string Text(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{Mebibytes(bytes)}Mi");

    /// <summary>For people.</summary>
    public static string Shown(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{Mebibytes(bytes):N0} MiB");
}
