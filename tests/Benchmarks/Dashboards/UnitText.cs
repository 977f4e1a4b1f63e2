using System.Globalization;

namespace Parley.Benchmarks.Dashboards;

/// <summary>Values with Grafana's units, as people read them.</summary>
internal static class UnitText
{
    public static string Of(double value, string unit) => unit switch
    {
        "s" when value != 0 && Math.Abs(value) < 0.001 => $"{Digits(value * 1e6)} µs",
        "s" when value != 0 && Math.Abs(value) < 1 => $"{Digits(value * 1e3)} ms",
        "s" => $"{Digits(value)} s",
        "percentunit" => $"{Digits(value * 100)} %",
        "bytes" when Math.Abs(value) >= 1 << 30 => $"{Digits(value / (1 << 30))} GiB",
        "bytes" => $"{Digits(value / (1 << 20))} MiB",
        "reqps" => $"{Digits(value)} req/s",
        _ when Math.Abs(value) >= 1e6 => $"{Digits(value / 1e6)} M",
        _ when Math.Abs(value) >= 1e4 => $"{Digits(value / 1e3)} k",
        _ => Digits(value),
    };

    /// <summary>The next plain number (of MiB, for bytes) at which an axis may end.</summary>
    public static double Ceiling(double value, string unit)
    {
        if (value <= 0)
            return 1;
        var scale = unit == "bytes" ? 1 << 20 : 1.0;
        var power = Math.Pow(10, Math.Floor(Math.Log10(value / scale)));
        double[] ends = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];
        return scale * power * ends.FirstOrDefault(end => end * power * scale >= value * (1 - 1e-9), 10);
    }

    private static string Digits(double value) =>
        value.ToString(Math.Abs(value) >= 100 ? "0" : Math.Abs(value) >= 10 ? "0.#" : "0.##", CultureInfo.InvariantCulture);
}
