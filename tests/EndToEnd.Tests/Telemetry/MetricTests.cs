using System.Globalization;
using System.Text.RegularExpressions;
using Grpc.Core;
using OpenTelemetry.Metrics;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>What is exported is what docs/telemetry.md says, and no more, whatever callers send.</summary>
[Collection(TelemetryCollection.Name)]
public sealed partial class MetricTests(TelemetryFixture fixture) : IClassFixture<TelemetryFixture>
{
    private static readonly string Page = Path.Combine(Shared.RepositoryRoot, "docs", "telemetry.md");

    private TracedSystem System => fixture.System;

    [Fact]
    public async Task Metrics_OfARunningSystem_AreThoseOfThePage()
    {
        await Scenario.RunAsync(System);

        var (rows, buckets) = MetricRow.ReadPage(Page);
        var exported = System.Collect().Where(metric => metric.MeterName.StartsWith("Parley.", StringComparison.Ordinal))
            .DistinctBy(metric => metric.Name).ToDictionary(metric => metric.Name);
        Assert.Equal(rows.Select(row => row.Name).Order(), exported.Keys.Order());
        Assert.All(rows, row =>
        {
            var metric = exported[row.Name];
            Assert.Equal((row.Kind, row.Unit), (KindOf(metric.MetricType), metric.Unit));
            Assert.Equal(row.Labels.Order(), metric.MetricPoints.SelectMany(LabelsOf).Distinct().Order());
            Assert.NotEmpty(metric.Description);
            if (row.Kind == "histogram")
                Assert.All(metric.MetricPoints, point => Assert.Equal(buckets[row.Buckets], BoundsOf(point)));
        });
    }

    [Fact]
    public async Task Page_ForPrometheus_HasTheNamesThatThePageOfTheDocsGives()
    {
        await Scenario.RunAsync(System);
        var exposition = Exposition.Parse(await System.ScrapeAsync());

        Assert.All(MetricRow.ReadPage(Page).Rows, row =>
            Assert.Contains(row.PrometheusName + (row.Kind == "histogram" ? "_bucket" : ""), exposition.Names));
        Assert.Contains("dotnet_gc_collections_total", exposition.Names);
        Assert.Contains("dotnet_process_cpu_time_seconds_total", exposition.Names);
        Assert.Contains("http_server_request_duration_seconds_bucket", exposition.Names);
    }

    [Fact]
    public async Task Page_AsOpenMetrics_HasTheTracesOfChatsAsExemplars()
    {
        using var trace = new CallerTrace();
        await System.Chat.CollectAsync(Conversations.Ask("what is a token?", Scenario.Long(8)));

        foreach (var name in (string[])["gen_ai_server_time_to_first_token_seconds", "gen_ai_server_request_duration_seconds",
            "gen_ai_client_inference_duration_seconds"])
        {
            var line = "";
            await Scenario.EventuallyAsync(() => (line = System.ScrapeAsync(openMetrics: true).GetAwaiter().GetResult().Split('\n')
                .FirstOrDefault(one => one.StartsWith($"{name}_bucket", StringComparison.Ordinal)
                    && one.Contains(TracedSystem.Model, StringComparison.Ordinal)
                    && one.Contains(trace.Id.ToHexString(), StringComparison.Ordinal)) ?? "").Length > 0);
            Assert.Matches(ExemplarPattern(), line);
        }
    }

    [Fact]
    public async Task Page_HasAPortOfItsOwn_AndNothingElseIsThere()
    {
        using var client = new HttpClient();
        Assert.NotEqual(System.Http.Port, System.Metrics.Port);
        Assert.True(System.Metrics.IsLoopback);
        foreach (var path in (string[])["/", "/v1/models", "/health", "/metricsx"])
            Assert.Equal(global::System.Net.HttpStatusCode.NotFound, (await client.GetAsync(new Uri(System.Metrics, path))).StatusCode);
        Assert.Equal(
            global::System.Net.HttpStatusCode.NotFound, (await client.GetAsync(new Uri(System.Http, "/metrics"))).StatusCode);
    }

    [Fact]
    public async Task Labels_OfManyModelNames_AreOneOther()
    {
        for (var i = 0; i < 50; i++)
        {
            var request = Conversations.Ask("hello", Conversations.Greedy(2));
            request.Model = string.Create(CultureInfo.InvariantCulture, $"model-{i}");
            await Assert.ThrowsAsync<RpcException>(() => System.Chat.CollectAsync(request));
        }

        var text = await System.ScrapeAsync();
        Assert.DoesNotContain("model-", text);
        Assert.Contains("gen_ai_request_model=\"other\"", text);
    }

    [Fact]
    public async Task Gauges_AtTheGateway_AreTheGenerators()
    {
        using var stop = new CancellationTokenSource();
        var calls = Enumerable.Range(0, 3)
            .Select(_ => System.Chat.Complete(Conversations.Ask("hello", Scenario.Long(500)), cancellationToken: stop.Token)).ToList();
        await Scenario.EventuallyAsync(() => Value("parley.gateway.generators.requests.running") >= 1
            && Value("parley.gateway.generators.kv.utilization") > 0);
        Assert.Equal(1, Value("parley.gateway.generators.reachable"));
        Assert.Equal(1, Value("parley.generator.healthy"));
        Assert.InRange(Value("parley.generator.heartbeat.age"), 0, 60);

        await stop.CancelAsync();
        await Scenario.EventuallyAsync(() => Value("parley.gateway.generators.requests.running") == 0
            && Value("parley.gateway.generators.kv.utilization") == 0);
        foreach (var call in calls)
            call.Dispose();
    }

    /// <summary>Of this system's series, or of the newest.</summary>
    private double Value(string name)
    {
        var points = System.Collect().Where(metric => metric.Name == name)
            .SelectMany(metric => metric.MetricPoints.Select(point => (metric, point)))
            .Where(one => Tag(one.point, "gen_ai.response.model") is null or TracedSystem.Model).ToList();
        return points.Count == 0 ? -1 : points.Max(one => one.metric.MetricType == MetricType.LongGauge
            ? one.point.GetGaugeLastValueLong()
            : one.point.GetGaugeLastValueDouble());
    }

    private static string? Tag(MetricPoint point, string key)
    {
        foreach (var tag in point.Tags)
        {
            if (tag.Key == key)
                return tag.Value as string;
        }

        return null;
    }

    private static List<string> LabelsOf(MetricPoint point)
    {
        var labels = new List<string>();
        foreach (var tag in point.Tags)
            labels.Add(tag.Key);
        return labels;
    }

    private static double[] BoundsOf(MetricPoint point)
    {
        var bounds = new List<double>();
        foreach (var bucket in point.GetHistogramBuckets())
            bounds.Add(bucket.ExplicitBound);
        return [.. bounds.Where(double.IsFinite)];
    }

    private static string KindOf(MetricType type) => type switch
    {
        MetricType.Histogram => "histogram",
        MetricType.LongSum or MetricType.DoubleSum => "counter",
        MetricType.LongSumNonMonotonic => "up-down counter",
        MetricType.LongGauge or MetricType.DoubleGauge => "gauge",
        _ => type.ToString(),
    };

    [GeneratedRegex(@"\} \d+ # \{[^}]*trace_id=""[0-9a-f]{32}""[^}]*\} [0-9.E-]+")]
    private static partial Regex ExemplarPattern();
}
