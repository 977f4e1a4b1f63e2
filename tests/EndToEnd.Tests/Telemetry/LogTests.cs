using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>A log line of a chat leads to its trace.</summary>
[Collection(TelemetryCollection.Name)]
public sealed class LogTests(TelemetryFixture fixture) : IClassFixture<TelemetryFixture>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-log-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Logs_OfAChat_CarryItsTrace()
    {
        using var trace = new CallerTrace();
        await fixture.System.Chat.CollectAsync(Conversations.Ask("hello", Scenario.Long(4)));

        await Scenario.EventuallyAsync(() => Of("Gateway", 2014).Any() && Of("Generator", 3003).Any() && Of("Generator", 3005).Any());
        Assert.All(Of("Generator", 3005), log => Assert.Equal(LogLevel.Information, log.LogLevel));

        IEnumerable<OpenTelemetry.Logs.LogRecord> Of(string service, int id) => fixture.System.Logs.Where(log =>
            log.TraceId == trace.Id && log.EventId.Id == id && log.CategoryName!.StartsWith($"Parley.{service}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Console_AsJson_IsAnObjectALineWithTheTrace()
    {
        using var process = ServiceProcess.Start("Gateway", _folder, new Dictionary<string, string>(),
            "--Telemetry:LogFormat=Json", "--Kestrel:Endpoints:Http:Url=http://127.0.0.1:0",
            $"--Kestrel:Endpoints:Grpc:Url=http://unix:{Path.Combine(_folder, "grpc.sock")}",
            "--Gateway:TokenizerAddress=http://127.0.0.1:9", "--Gateway:GeneratorAddress=http://127.0.0.1:9");
        await Scenario.EventuallyAsync(() => Listening(process) is not null);
        var trace = ActivityTraceId.CreateRandom().ToHexString();
        using var client = new HttpClient { BaseAddress = Listening(process) };
        client.DefaultRequestHeaders.Add("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01");
        using var response = await client.PostAsJsonAsync(
            "/v1/chat/completions", new { messages = new[] { new { role = "user", content = "hello" } } });
        Assert.Equal(global::System.Net.HttpStatusCode.ServiceUnavailable, response.StatusCode);

        await Scenario.EventuallyAsync(() => Lines(process).Any(line => line.Contains("\"EventId\":2011", StringComparison.Ordinal)));
        using var json = JsonDocument.Parse(Lines(process).Single(line => line.Contains("\"EventId\":2011", StringComparison.Ordinal)));
        Assert.Equal("Warning", json.RootElement.GetProperty("LogLevel").GetString());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", json.RootElement.GetProperty("Timestamp").GetString()!);
        Assert.Matches("^[0-9a-f]{32}$", json.RootElement.GetProperty("State").GetProperty("RequestId").GetString()!);
        Assert.Contains(json.RootElement.GetProperty("Scopes").EnumerateArray(),
            scope => scope.TryGetProperty("TraceId", out var id) && id.GetString() == trace);
    }

    private static IEnumerable<string> Lines(ServiceProcess process) =>
        process.Output.Split('\n').Select(line => line.Trim()).Where(line => line.StartsWith('{'));

    private static Uri? Listening(ServiceProcess process) => Lines(process).Select(line => JsonDocument.Parse(line).RootElement)
        .Select(line => line.GetProperty("Message").GetString()!)
        .Where(text => text.StartsWith("Now listening on: http://127", StringComparison.Ordinal))
        .Select(text => new Uri(text["Now listening on: ".Length..])).FirstOrDefault();
}
