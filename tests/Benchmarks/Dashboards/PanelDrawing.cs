using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace Parley.Benchmarks.Dashboards;

/// <summary>One panel with its answers, from (0, 0) on.</summary>
internal sealed class PanelDrawing(Panel panel, IReadOnlyList<(string Name, Series Series)> lines, double start, double end)
{
    public const int ColumnWidth = 50;
    public const int RowHeight = 26;
    private const int LegendLineHeight = 13;
    private const double Left = 62;
    private const double Top = 30;

    private static readonly string[] Colors =
        ["#1f60c4", "#e0752d", "#37872d", "#c4162a", "#8f3bb8", "#b8860b", "#0a7e8c", "#d6336c", "#5b6770", "#7a4a1e"];

    private readonly double _width = panel.Width * ColumnWidth - 6;
    private readonly double _height = panel.Height * RowHeight - 6;
    private readonly List<(double X, double Y, string Text, string Color)> _legend = [];
    private double _max;

    private double Right => _width - 14;

    private double Bottom => _height - 24 - (_legend.Count == 0 ? 0 : _legend[^1].Y + LegendLineHeight);

    public IEnumerable<XElement> Draw()
    {
        if (panel.Type == "row")
            return [Svg.Text(12, 17, panel.Title, 14, "bold")];
        var frame = new[] { Svg.Box(3, 3, _width, _height, "#fff", "#d5d8dc"), Svg.Text(12, 19, panel.Title, 12, "bold") };
        if (lines.Count == 0)
            return [.. frame, Svg.Text(_width / 2, _height / 2 + 6, "no data", 14, anchor: "middle")];
        if (panel.Type == "timeseries")
            LayLegend();
        return [.. frame, .. panel.Type switch { "stat" => Numbers(), "heatmap" => Heatmap(), _ => Chart() }];
    }

    private void LayLegend()
    {
        var (x, y) = (12.0, 0.0);
        for (var i = 0; i < lines.Count; i++)
        {
            var text = $"{lines[i].Name}: {UnitText.Of(lines[i].Series.Points[^1].Value, panel.Unit)}";
            var width = 22 + text.Length * 5.1;
            if (x > 12 && x + width > _width)
                (x, y) = (12, y + LegendLineHeight);
            _legend.Add((x, y, text, Colors[i % Colors.Length]));
            x += width;
        }
    }

    private IEnumerable<XElement> Numbers()
    {
        var slot = (_width - 20) / lines.Count;
        return lines.SelectMany((line, i) => new[]
        {
            Svg.Text(10 + slot * (i + 0.5), _height / 2 + 16, UnitText.Of(line.Series.Points[^1].Value, panel.Unit), 44, "bold", "middle"),
            Svg.Text(10 + slot * (i + 0.5), _height / 2 + 40, line.Name, 11, anchor: "middle"),
        });
    }

    private IEnumerable<XElement> Chart()
    {
        var bases = new Dictionary<double, double>();
        var drawn = lines.Select(line => line.Series.Points.Select(point =>
        {
            var under = panel.Stacked ? bases.GetValueOrDefault(point.Time) : 0;
            bases[point.Time] = under + point.Value;
            return (point.Time, Low: under, High: under + point.Value);
        }).ToList()).ToList();
        _max = panel.Max ?? UnitText.Ceiling(drawn.Max(points => points.Max(point => point.High)), panel.Unit);
        var elements = new List<XElement>(Axes([(0, UnitText.Of(0, panel.Unit)), (0.5, ""), (1, UnitText.Of(_max, panel.Unit))]));
        elements.AddRange(panel.Thresholds.Where(threshold => threshold.Value <= _max)
            .Select(threshold => Svg.Line($"M{Svg.Number(Left)} {Y(threshold.Value)}H{Svg.Number(Right)}", threshold.Color, 1, "5 4")));
        for (var i = 0; i < drawn.Count; i++)
        {
            var color = Colors[i % Colors.Length];
            foreach (var run in Runs(drawn[i], point => point.Time))
            {
                var top = string.Join('L', run.Select(point => $"{X(point.Time)} {Y(point.High)}"));
                var under = string.Join('L', run.AsEnumerable().Reverse().Select(point => $"{X(point.Time)} {Y(point.Low)}"));
                if (panel.Stacked)
                    elements.Add(Svg.Area($"M{top}L{under}Z", color, 0.4));
                // A point with no neighbour is a dot.
                elements.Add(Svg.Line($"M{top}h0", color));
            }
        }

        return [.. elements, .. Legend()];
    }

    private IEnumerable<XElement> Legend() => _legend.SelectMany(entry => new[]
    {
        Svg.Box(entry.X, Bottom + 21 + entry.Y, 10, 3, entry.Color),
        Svg.Text(entry.X + 14, Bottom + 26 + entry.Y, entry.Text),
    });

    /// <summary>Buckets from below to above; the darker, the more of the requests of that time.</summary>
    private List<XElement> Heatmap()
    {
        const int Shades = 5;
        var buckets = lines.Where(line => line.Name != "+Inf")
            .OrderBy(line => double.Parse(line.Name, CultureInfo.InvariantCulture)).ToList();
        var below = new Dictionary<double, double>();
        var cells = buckets.SelectMany((bucket, row) => bucket.Series.Points.Select(point =>
        {
            var inside = point.Value - below.GetValueOrDefault(point.Time);
            below[point.Time] = point.Value;
            return (Row: row, point.Time, Value: inside);
        })).ToList();
        var max = cells.Max(cell => cell.Value);
        var (height, width) = ((Bottom - Top) / buckets.Count, (Right - Left) * PrometheusClient.StepSeconds / (end - start));
        var paths = Enumerable.Range(0, Shades).Select(_ => new StringBuilder()).ToArray();
        foreach (var (row, time, value) in cells.Where(cell => cell.Time > start && cell.Value > max * 1e-6))
        {
            paths[(int)Math.Min(value / max * Shades, Shades - 1)].Append(
                CultureInfo.InvariantCulture,
                $"M{X(time)} {Svg.Number(Bottom - (row + 1) * height)}h{Svg.Number(-width)}v{Svg.Number(height)}h{Svg.Number(width)}z");
        }

        return
        [
            .. Axes([.. buckets.Select((bucket, row) => (
                (row + 1.0) / buckets.Count,
                row % 2 == 0 ? UnitText.Of(double.Parse(bucket.Name, CultureInfo.InvariantCulture), panel.Unit) : ""))]),
            .. paths.Select((path, shade) => Svg.Area(path.ToString(), Colors[0], (shade + 1.0) / Shades)),
        ];
    }

    private IEnumerable<XElement> Axes(IReadOnlyList<(double Share, string Text)> levels)
    {
        foreach (var (share, text) in levels)
        {
            var y = Bottom - share * (Bottom - Top);
            yield return Svg.Line($"M{Svg.Number(Left)} {Svg.Number(y)}H{Svg.Number(Right)}", "#e3e5e8", 1);
            yield return Svg.Text(Left - 5, y + 3.5, text, anchor: "end");
        }

        foreach (var share in new[] { 0, 0.5, 1 })
        {
            var time = DateTimeOffset.FromUnixTimeSeconds((long)(start + share * (end - start)));
            yield return Svg.Text(
                Left + share * (Right - Left), Bottom + 13, time.ToString("HH:mm:ss", CultureInfo.InvariantCulture),
                anchor: share == 0 ? "start" : share == 1 ? "end" : "middle");
        }
    }

    private static IEnumerable<List<T>> Runs<T>(List<T> points, Func<T, double> time)
    {
        var from = 0;
        for (var i = 1; i <= points.Count; i++)
        {
            if (i < points.Count && time(points[i]) - time(points[i - 1]) < 1.5 * PrometheusClient.StepSeconds)
                continue;
            yield return points[from..i];
            from = i;
        }
    }

    private string X(double time) => Svg.Number(Left + (time - start) / (end - start) * (Right - Left));

    private string Y(double value) => Svg.Number(Bottom - Math.Clamp(value / _max, 0, 1) * (Bottom - Top));
}
