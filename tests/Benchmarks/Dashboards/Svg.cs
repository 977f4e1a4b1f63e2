using System.Globalization;
using System.Xml.Linq;

namespace Parley.Benchmarks.Dashboards;

/// <summary>Elements of SVG.</summary>
internal static class Svg
{
    private static readonly XNamespace Namespace = "http://www.w3.org/2000/svg";

    public static XName Name(string name) => Namespace + name;

    /// <summary>A coordinate to a tenth of a pixel.</summary>
    public static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    public static XElement Text(double x, double y, string text, int size = 10, string weight = "normal", string anchor = "start") => new(
        Name("text"), new XAttribute("x", Number(x)), new XAttribute("y", Number(y)), new XAttribute("font-size", size),
        new XAttribute("font-weight", weight), new XAttribute("text-anchor", anchor), new XAttribute("fill", "#24292e"), text);

    public static XElement Box(double x, double y, double width, double height, string fill, string stroke = "none") => new(
        Name("rect"), new XAttribute("x", Number(x)), new XAttribute("y", Number(y)), new XAttribute("width", Number(width)),
        new XAttribute("height", Number(height)), new XAttribute("fill", fill), new XAttribute("stroke", stroke));

    public static XElement Line(string path, string color, double width = 1.5, string dashes = "none") => new(
        Name("path"), new XAttribute("d", path), new XAttribute("stroke", color), new XAttribute("stroke-width", Number(width)),
        new XAttribute("fill", "none"), new XAttribute("stroke-linecap", "round"), new XAttribute("stroke-dasharray", dashes));

    public static XElement Area(string path, string color, double opacity) => new(
        Name("path"), new XAttribute("d", path), new XAttribute("fill", color), new XAttribute("fill-opacity", Number(opacity)));
}
