using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;

namespace Parley.Benchmarks.Dashboards;

/// <summary>
/// <c>dashboards OUT_FOLDER [--prometheus URL]</c>: the dashboards of k8s/monitoring as SVG, one file each, of what a
/// Prometheus recorded in the last two minutes. Not Grafana: its layout, questions, units and legends, drawn plainly.
/// </summary>
internal static class DashboardPictures
{
    private const int HeaderHeight = 52;
    private static readonly TimeSpan Length = TimeSpan.FromMinutes(2);

    public static async Task DrawAsync(string[] args)
    {
        var (folder, address) = args switch
        {
            [var only] => (only, "http://127.0.0.1:9090"),
            [var first, "--prometheus", var url] => (first, url),
            _ => ("", ""),
        };
        if (!Uri.TryCreate(address, UriKind.Absolute, out var server))
        {
            Console.WriteLine("dashboards OUT_FOLDER [--prometheus URL]");
            return;
        }

        Directory.CreateDirectory(folder);
        using var prometheus = new PrometheusClient(server, DateTimeOffset.UtcNow, Length);
        var dashboards = Path.Combine(Material.Root, "k8s", "monitoring", "dashboards");
        foreach (var path in Directory.GetFiles(dashboards, "*.json").Order())
        {
            var file = Path.Combine(folder, Path.GetFileNameWithoutExtension(path) + ".svg");
            using var json = JsonDocument.Parse(await File.ReadAllTextAsync(path));
            await File.WriteAllTextAsync(file, (await DrawAsync(json.RootElement, prometheus)).ToString() + "\n");
            Console.WriteLine($"{file}: {new FileInfo(file).Length} bytes");
        }
    }

    private static async Task<XElement> DrawAsync(JsonElement dashboard, PrometheusClient prometheus)
    {
        var panels = dashboard.GetProperty("panels").EnumerateArray().Select(Panel.Read).ToList();
        var height = HeaderHeight + PanelDrawing.RowHeight * panels.Max(panel => panel.Y + panel.Height);
        var width = PanelDrawing.ColumnWidth * 24;
        var start = DateTimeOffset.FromUnixTimeSeconds((long)prometheus.Start).ToString("u", CultureInfo.InvariantCulture);
        var svg = new XElement(
            Svg.Name("svg"), new XAttribute("viewBox", $"0 0 {width} {height}"), new XAttribute("width", width),
            new XAttribute("height", height), new XAttribute("font-family", "Helvetica, Arial, sans-serif"),
            Svg.Box(0, 0, width, height, "#f4f5f5"),
            Svg.Text(12, 24, dashboard.GetProperty("title").GetString()!, 18, "bold"),
            Svg.Text(12, 42, $"{dashboard.GetProperty("description").GetString()} Two minutes from {start} on.", 12));
        foreach (var panel in panels)
        {
            var lines = new List<(string Name, Series Series)>();
            foreach (var (query, legend) in panel.Targets)
                lines.AddRange((await prometheus.QueryAsync(query)).Select(series => (series.Name(legend), series)));
            var (x, y) = (panel.X * PanelDrawing.ColumnWidth, HeaderHeight + panel.Y * PanelDrawing.RowHeight);
            svg.Add(new XElement(
                Svg.Name("g"), new XAttribute("transform", $"translate({x},{y})"),
                new PanelDrawing(panel, lines, prometheus.Start, prometheus.End).Draw()));
        }

        return svg;
    }
}
