using System.Text.Json;
using Parley.TestSupport;
using YamlDotNet.RepresentationModel;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>What lies in k8s/monitoring: the rules and the panels of the dashboards.</summary>
internal static class MonitoringFiles
{
    public static string Folder { get; } = Path.Combine(Shared.RepositoryRoot, "k8s", "monitoring");

    public static string RuleFile { get; } = Path.Combine(Folder, "prometheusrule.yaml");

    /// <summary>Recording and alerting rules as mappings.</summary>
    public static IReadOnlyList<YamlMappingNode> Rules()
    {
        var groups = (YamlSequenceNode)Spec()["groups"];
        return [.. groups.SelectMany(group => (YamlSequenceNode)group["rules"]).Cast<YamlMappingNode>()];
    }

    /// <summary>Writes the rules as plain Prometheus reads them.</summary>
    public static void WritePlainRules(string path)
    {
        using var writer = new StreamWriter(path);
        new YamlStream(new YamlDocument(Spec())).Save(writer, assignAnchors: false);
    }

    public static string? Text(YamlMappingNode node, string key) =>
        node.Children.TryGetValue(key, out var value) ? ((YamlScalarNode)value).Value : null;

    /// <summary>All expressions of all dashboards, as <c>(dashboard, panel, expression)</c>.</summary>
    public static IReadOnlyList<(string Dashboard, string Panel, string Expression)> Panels()
    {
        var panels = new List<(string, string, string)>();
        foreach (var path in Directory.GetFiles(Path.Combine(Folder, "dashboards"), "*.json").Order())
        {
            using var board = JsonDocument.Parse(File.ReadAllText(path));
            var name = Path.GetFileNameWithoutExtension(path);
            foreach (var panel in board.RootElement.GetProperty("panels").EnumerateArray())
            {
                if (!panel.TryGetProperty("targets", out var targets))
                    continue;
                panels.AddRange(targets.EnumerateArray().Select(
                    target => (name, panel.GetProperty("title").GetString()!, target.GetProperty("expr").GetString()!)));
            }
        }

        return panels;
    }

    private static YamlNode Spec()
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(File.ReadAllText(RuleFile)));
        return yaml.Documents[0].RootNode["spec"];
    }
}
