using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>Debian's Prometheus scrapes a running system, takes the rules, and answers the dashboards' questions.</summary>
[Collection(TelemetryCollection.Name)]
public sealed partial class RealPrometheusTests(TelemetryFixture fixture) : IClassFixture<TelemetryFixture>
{
    private const int SigTerm = 15;

    [SlowFact]
    public async Task Prometheus_ScrapesTheSystem_AndAnswersEveryPanel()
    {
        var program = MonitoringTests.Tool("prometheus");
        var folder = Directory.CreateTempSubdirectory("parley-prometheus-").FullName;
        MonitoringFiles.WritePlainRules(Path.Combine(folder, "rules.yaml"));
        await File.WriteAllTextAsync(Path.Combine(folder, "prometheus.yml"), $$"""
            global: { scrape_interval: 1s, evaluation_interval: 1s }
            rule_files: [rules.yaml]
            scrape_configs:
              - job_name: parley
                static_configs: [{ targets: ["{{fixture.System.Metrics.Authority}}"] }]
            """);
        var address = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{FreePort()}");
        var start = new ProcessStartInfo(program,
        [
            "--config.file=prometheus.yml", "--storage.tsdb.path=data", $"--web.listen-address={address}",
            "--enable-feature=exemplar-storage",
        ])
        { WorkingDirectory = folder, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var log = process.StandardError.ReadToEndAsync();
        using var client = new HttpClient { BaseAddress = new Uri($"http://{address}") };
        try
        {
            await Scenario.RunAsync(fixture.System);
            await Scenario.EventuallyAsync(() => Has(client, "up{job=\"parley\"} == 1"));
            // A rate is of what changes between two scrapes.
            await Scenario.RunAsync(fixture.System);
            await Scenario.EventuallyAsync(() => Has(client, "parley:chats_failed:ratio_rate5m >= 0"));
            // Their buckets have the bounds under the names that Prometheus gives them.
            await Scenario.EventuallyAsync(() => Has(client, "parley:time_to_first_token_slow:ratio_rate5m >= 0"));
            await Scenario.EventuallyAsync(() => Has(client, "parley:time_per_output_token_slow:ratio_rate5m >= 0"));
            foreach (var (dashboard, panel, expression) in MonitoringFiles.Panels())
            {
                var query = expression.Replace("$__rate_interval", "1m", StringComparison.Ordinal)
                    .Replace("$model", ".*", StringComparison.Ordinal);
                Assert.True((await QueryAsync(client, query)).HasValue, $"{dashboard}, {panel}: {query}");
            }

            using var rules = JsonDocument.Parse(await client.GetStringAsync("/api/v1/rules"));
            var all = rules.RootElement.GetProperty("data").GetProperty("groups").EnumerateArray()
                .SelectMany(group => group.GetProperty("rules").EnumerateArray()).ToList();
            Assert.Equal(20, all.Count);
            Assert.All(all, rule => Assert.Equal("ok", rule.GetProperty("health").GetString()));
        }
        finally
        {
            Assert.Equal(0, Kill(process.Id, SigTerm));
            await process.WaitForExitAsync();
            Assert.Equal(0, process.ExitCode);
            Assert.DoesNotContain("level=error", await log);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static bool Has(HttpClient client, string query)
    {
        try
        {
            return QueryAsync(client, query).GetAwaiter().GetResult() is > 0;
        }
        catch (HttpRequestException)
        {
            // It does not listen yet.
            return false;
        }
    }

    /// <returns>Series of the answer; null where Prometheus does not take the query.</returns>
    private static async Task<int?> QueryAsync(HttpClient client, string query)
    {
        using var response = await client.GetAsync(new Uri($"/api/v1/query?query={Uri.EscapeDataString(query)}", UriKind.Relative));
        if (!response.IsSuccessStatusCode)
            return null;
        using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return answer.RootElement.GetProperty("data").GetProperty("result").GetArrayLength();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);
}
