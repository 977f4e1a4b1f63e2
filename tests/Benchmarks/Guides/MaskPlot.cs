using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Parley.Benchmarks.Guides;

/// <summary>
/// Draws times as an SVG: by share of the masks (or schemas) across, on a scale on which each step to the right leaves a tenth; by
/// microseconds upwards, a tenfold each step. A peer's points are read from what <c>mask_llguidance.py</c> prints.
/// </summary>
internal static partial class MaskPlot
{
    private const int Left = 70, Top = 40, Width = 620, Height = 320;
    private const double DecadesAcross = 4, FirstDecade = -1, DecadesUp = 6.5;

    /// <summary>Writes the picture.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mine">Curves.</param>
    /// <param name="peer">The file that holds what the peer printed; null for none.</param>
    public static void Write(string path, IReadOnlyList<MaskTimes> mine, string? peer)
    {
        string[] colours = ["#1668b0", "#c2571a"];
        var svg = new StringBuilder();
        svg.Append($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Left + Width + 40} {Top + Height + 40}\" ")
            .Append("font-family=\"sans-serif\" font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>");
        svg.Append(
            $"<text x=\"{Left}\" y=\"20\">Time of a mask, and of compiling with the first mask, by share (Llama 3, maskbench)</text>");
        for (var decade = 0; decade <= DecadesAcross; decade++)
        {
            var x = X(1 - Math.Pow(10, -decade));
            Line(svg, (x, Top), (x, Top + Height), decade == 0 ? "fastest" : $"{100 - Math.Pow(10, 2 - decade)} %");
        }

        for (var decade = (int)FirstDecade; decade <= FirstDecade + DecadesUp; decade++)
        {
            var y = Y(Math.Pow(10, decade));
            Line(svg, (Left, y), (Left + Width, y), $"{Math.Pow(10, decade)} µs");
        }

        var peers = peer is null ? [] : ReadPeer(File.ReadAllText(peer));
        for (var i = 0; i < mine.Count; i++)
        {
            var times = mine[i];
            var shares = Enumerable.Range(0, 161).Select(step => 1 - Math.Pow(10, -step / 40.0));
            Curve(svg, shares.Select(share => (share, times.At(share))), colours[i], "");
            Label(svg, i * 36, colours[i], "Parley, " + times.Name);
            if (i >= peers.Count)
                continue;
            Curve(svg, peers[i], colours[i], " stroke-dasharray=\"5 4\"");
            Label(svg, (i * 36) + 16, colours[i], "LLGuidance 1.9.1 (dashed)");
        }

        File.WriteAllText(path, svg.Append("</svg>\n").ToString());
    }

    /// <summary>Later masks, then compiling, in microseconds by share.</summary>
    private static List<List<(double Share, double Time)>> ReadPeer(string text)
    {
        var found = Percentiles().Matches(text).ToDictionary(match => match.Groups["name"].Value, match => match.Groups);
        return [Points(found["later masks µs"], 1), Points(found["compile ms"], 1_000)];

        static List<(double, double)> Points(GroupCollection groups, double unit) =>
        [
            .. new[] { ("p50", .5), ("p90", .9), ("p99", .99), ("worst", 1 - Math.Pow(10, -DecadesAcross)) }.Select(point =>
                (point.Item2, double.Parse(groups[point.Item1].Value, CultureInfo.InvariantCulture) * unit)),
        ];
    }

    [GeneratedRegex(
        @"^(?<name>.*): mean .*, p50 (?<p50>\S+), p90 (?<p90>\S+), p99 (?<p99>\S+), worst (?<worst>\S+)", RegexOptions.Multiline)]
    private static partial Regex Percentiles();

    private static double X(double share) => Left + (Width * Math.Min(DecadesAcross, -Math.Log10(1 - share)) / DecadesAcross);

    private static double Y(double time) =>
        Top + Height - (Height * Math.Clamp(Math.Log10(Math.Max(time, .1)) - FirstDecade, 0, DecadesUp) / DecadesUp);

    private static void Line(StringBuilder svg, (double X, double Y) from, (double X, double Y) to, string label)
    {
        var isAcross = from.Y == to.Y;
        svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{from.X:F1} {from.Y:F1}L{to.X:F1} {to.Y:F1}\" stroke=\"#ddd\"/>");
        (double x, double y) = isAcross ? (Left - 6.0, to.Y + 4) : (to.X, Top + Height + 18.0);
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:F1}\" y=\"{y:F1}\" ")
            .Append(CultureInfo.InvariantCulture, $"text-anchor=\"{(isAcross ? "end" : "middle")}\">{label}</text>");
    }

    private static void Curve(StringBuilder svg, IEnumerable<(double Share, double Time)> points, string colour, string style)
    {
        var path = string.Join('L', points.Select(point =>
            string.Create(CultureInfo.InvariantCulture, $"{X(point.Share):F1} {Y(point.Time):F1}")));
        svg.Append($"<path d=\"M{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{style}/>");
    }

    private static void Label(StringBuilder svg, int offset, string colour, string text) =>
        svg.Append($"<text x=\"{Left + 12}\" y=\"{Top + 16 + offset}\" fill=\"{colour}\">{text}</text>");
}
