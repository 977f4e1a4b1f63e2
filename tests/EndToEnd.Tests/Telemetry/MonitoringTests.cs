using System.Diagnostics;
using System.Text.Json;
using YamlDotNet.RepresentationModel;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>Dashboards and rules speak of what a running system exports, and each alert leads to its page.</summary>
[Collection(TelemetryCollection.Name)]
public sealed class MonitoringTests(TelemetryFixture fixture) : IClassFixture<TelemetryFixture>
{
    /// <summary>Labels that the scraping adds.</summary>
    private static readonly string[] TargetLabels = ["instance", "job", "pod", "namespace"];

    [Fact]
    public async Task Expressions_OfDashboardsAndRules_NameExportedMetricsAndLabels()
    {
        await Scenario.RunAsync(fixture.System);
        var exposition = Exposition.Parse(await fixture.System.ScrapeAsync());
        var recorded = MonitoringFiles.Rules().Select(rule => MonitoringFiles.Text(rule, "record")).OfType<string>().ToHashSet();
        var expressions = MonitoringFiles.Panels().Select(panel => ($"{panel.Dashboard}, {panel.Panel}", panel.Expression))
            .Concat(MonitoringFiles.Rules().Select(rule =>
                (MonitoringFiles.Text(rule, "alert") ?? MonitoringFiles.Text(rule, "record")!, MonitoringFiles.Text(rule, "expr")!)));
        var faults = new List<string>();
        foreach (var (where, expression) in expressions)
        {
            var metrics = PromQl.Read(expression);
            if (metrics.Count == 0)
                faults.Add($"{where}: no metric in {expression}");
            foreach (var (name, labels) in metrics.Where(metric => !recorded.Contains(metric.Name)))
            {
                var series = exposition.SeriesOf(name).ToList();
                if (series.Count == 0)
                    faults.Add($"{where}: {name} is not exported");
                faults.AddRange(labels.Except(TargetLabels).Where(label => series.Count > 0 && !series.Any(one => one.ContainsKey(label)))
                    .Select(label => $"{where}: {name} has no label {label}"));
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
        Assert.All(recorded, name => Assert.Contains(expressions, one => one.Item2.Contains(name, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Buckets_ThatObjectivesName_AreThere()
    {
        await Scenario.RunAsync(fixture.System);
        var exposition = Exposition.Parse(await fixture.System.ScrapeAsync());
        Assert.Contains(exposition.SeriesOf("gen_ai_server_time_to_first_token_seconds_bucket"), series => series["le"] == "1");
        Assert.Contains(exposition.SeriesOf("gen_ai_server_time_per_output_token_seconds_bucket"), series => series["le"] == "0.1");
    }

    [Fact]
    public void Alerts_EachHaveAPageThatSaysWhatToDo()
    {
        var alerts = MonitoringFiles.Rules().Where(rule => MonitoringFiles.Text(rule, "alert") is not null).ToList();
        Assert.Equal(10, alerts.Count);
        Assert.All(alerts, alert =>
        {
            var name = MonitoringFiles.Text(alert, "alert")!;
            var annotations = (YamlMappingNode)alert["annotations"];
            Assert.Equal($"docs/runbooks/{name}.md", MonitoringFiles.Text(annotations, "runbook_url"));
            Assert.NotEmpty(MonitoringFiles.Text(annotations, "summary")!);
            Assert.Contains(MonitoringFiles.Text((YamlMappingNode)alert["labels"], "severity"), (string[])["critical", "warning"]);
            var page = File.ReadAllText(Path.Combine(TestSupport.Shared.RepositoryRoot, "docs", "runbooks", $"{name}.md"));
            string[] parts = [$"# {name}: ", "## Meaning", "## Impact", "## How to look", "## What to do"];
            Assert.All(parts, part => Assert.Contains(part, page));
        });
        Assert.Equal(
            alerts.Select(alert => MonitoringFiles.Text(alert, "alert")).Order(),
            Directory.GetFiles(Path.Combine(TestSupport.Shared.RepositoryRoot, "docs", "runbooks"), "*.md")
                .Select(Path.GetFileNameWithoutExtension).Order());
    }

    [Fact]
    public void Dashboards_AreWholeAndInTheConfigMap()
    {
        var files = Directory.GetFiles(Path.Combine(MonitoringFiles.Folder, "dashboards"), "*.json");
        Assert.Equal(4, files.Length);
        var kustomization = File.ReadAllText(Path.Combine(MonitoringFiles.Folder, "kustomization.yaml"));
        Assert.All(files, path =>
        {
            Assert.Contains($"- dashboards/{Path.GetFileName(path)}", kustomization);
            using var board = JsonDocument.Parse(File.ReadAllText(path));
            Assert.Equal(Path.GetFileNameWithoutExtension(path), board.RootElement.GetProperty("uid").GetString());
            var panels = board.RootElement.GetProperty("panels").EnumerateArray().ToList();
            Assert.Equal(panels.Count, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
            Assert.All(panels, panel =>
            {
                var place = panel.GetProperty("gridPos");
                Assert.InRange(place.GetProperty("x").GetInt32() + place.GetProperty("w").GetInt32(), 1, 24);
            });
            AssertApart(panels);
        });
    }

    [Fact]
    public void Rules_PassTheirTests()
    {
        var promtool = Tool("promtool");
        var folder = Directory.CreateTempSubdirectory("parley-rules-").FullName;
        try
        {
            MonitoringFiles.WritePlainRules(Path.Combine(folder, "rules.yaml"));
            File.Copy(Path.Combine(MonitoringFiles.Folder, "prometheusrule.test.yaml"), Path.Combine(folder, "rules.test.yaml"));
            Assert.Contains("SUCCESS: 20 rules found", Run(promtool, folder, "check", "rules", "rules.yaml"));
            Assert.Contains("SUCCESS", Run(promtool, folder, "test", "rules", "rules.test.yaml"));
            var tests = File.ReadAllText(Path.Combine(folder, "rules.test.yaml"));
            Assert.All(MonitoringFiles.Rules().Select(rule => MonitoringFiles.Text(rule, "alert")).OfType<string>(),
                alert => Assert.Contains($"runbook_url: docs/runbooks/{alert}.md", tests));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("sum by (a, b) (rate(m_total{c=\"x y\",d=~\"e.*\"}[5m])) / other_count", "m_total(c,d,a,b) other_count(a,b)")]
    [InlineData("1 - sum(rate(n_bucket{le=\"0.1\"}[$__rate_interval])) or vector(0)", "n_bucket(le)")]
    [InlineData("parley:x:ratio_rate5m > 14.4 * 0.05 and absent(y)", "parley:x:ratio_rate5m() y()")]
    public void PromQl_OfAnExpression_GivesItsMetricsAndLabels(string expression, string expected) =>
        Assert.Equal(expected, string.Join(' ', PromQl.Read(expression).Select(one => $"{one.Name}({string.Join(',', one.Labels)})")));

    /// <summary>The path of a program of Debian's package prometheus; skips the running test where it is missing.</summary>
    internal static string Tool(string name)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        Assert.SkipWhen(path is null, $"{name} is not on the path (Debian: apt-get install prometheus).");
        return path!;
    }

    private static string Run(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd() + error.GetAwaiter().GetResult();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output);
        return output;
    }

    private static void AssertApart(List<JsonElement> panels)
    {
        var cells = new HashSet<(int X, int Y)>();
        foreach (var place in panels.Select(panel => panel.GetProperty("gridPos")))
        {
            var (left, top) = (place.GetProperty("x").GetInt32(), place.GetProperty("y").GetInt32());
            for (var x = 0; x < place.GetProperty("w").GetInt32(); x++)
            {
                for (var y = 0; y < place.GetProperty("h").GetInt32(); y++)
                    Assert.True(cells.Add((left + x, top + y)), "panels overlap");
            }
        }
    }
}
