using System.Globalization;
using System.Text;
using System.Text.Json;
using OpenTelemetry.Metrics;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>The words of a chat are in no signal, unless the setting says so; then on the span of the chat alone.</summary>
[Collection(TelemetryCollection.Name)]
public sealed class ContentTests(TelemetryFixture fixture) : IClassFixture<TelemetryFixture>
{
    private const string Question = "what is a zyqxwv token?";

    [Fact]
    public async Task Signals_ByDefault_HoldNoWordOfTheChat()
    {
        var system = fixture.System;
        using var trace = new CallerTrace();
        var answer = (await system.Chat.CollectAsync(Conversations.Ask(Question, Scenario.Long(24), "qqqqstop"))).Text();
        Assert.True(answer.Length > 20);
        var signals = await SignalsAsync(system, trace);

        Assert.Contains("gen_ai.usage.output_tokens=24", signals);
        foreach (var word in (string[])["zyqxwv", "qqqqstop", answer, answer[..16]])
            Assert.DoesNotContain(word, signals);
    }

    [Fact]
    public async Task Signals_WithMessageContent_HoldItOnTheSpanOfTheChat()
    {
        await using var system = await TracedSystem.StartAsync(
            ("Telemetry:MessageContent", "true"), ("Telemetry:MessageContentCharactersMax", "40"));
        using var trace = new CallerTrace();
        var request = Conversations.Ask(Question, Scenario.Long(48));
        request.Chat.Messages.Insert(0, new Tokenizer.V1.ChatMessage { Role = "system", Content = "be \ud83d\ude00 brief" });
        var answer = (await system.Chat.CollectAsync(request)).Text();
        var spans = await system.TraceAsync(trace, spans => spans.Any(IsChat));

        var chat = spans.Single(IsChat);
        using var input = JsonDocument.Parse(Assert.IsType<string>(chat.GetTagItem("gen_ai.input.messages")));
        Assert.Equal(["system", "user"], input.RootElement.EnumerateArray().Select(one => one.GetProperty("role").GetString()!));
        var part = input.RootElement[1].GetProperty("parts")[0];
        Assert.Equal(("text", Question), (part.GetProperty("type").GetString(), part.GetProperty("content").GetString()));
        using var output = JsonDocument.Parse(Assert.IsType<string>(chat.GetTagItem("gen_ai.output.messages")));
        var message = Assert.Single(output.RootElement.EnumerateArray());
        Assert.Equal(("assistant", "length"), (message.GetProperty("role").GetString(), message.GetProperty("finish_reason").GetString()));
        Assert.Equal(answer[..40], message.GetProperty("parts")[0].GetProperty("content").GetString());

        var others = await SignalsAsync(system, trace, span => span != chat);
        Assert.DoesNotContain("zyqxwv", others);
        Assert.DoesNotContain(answer[..16], others);
    }

    private static bool IsChat(global::System.Diagnostics.Activity span) => span.DisplayName.StartsWith("chat ", StringComparison.Ordinal);

    /// <summary>Everything that was exported, as text: spans of the trace, all metrics, all logs.</summary>
    private static async Task<string> SignalsAsync(
        TracedSystem system, CallerTrace trace, Func<global::System.Diagnostics.Activity, bool>? which = null)
    {
        var text = new StringBuilder();
        foreach (var span in (await system.TraceAsync(trace, spans => spans.Count >= 11)).Where(which ?? (_ => true)))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{span.DisplayName} {span.StatusDescription}");
            foreach (var (key, value) in span.TagObjects.Concat(span.Events.SelectMany(one => one.Tags)))
                text.AppendLine(CultureInfo.InvariantCulture, $"{key}={(value is string[] many ? string.Join(',', many) : value)}");
        }

        foreach (var metric in system.Collect())
        {
            foreach (var point in metric.MetricPoints)
                AppendTags(text, metric.Name, point);
        }

        foreach (var log in system.Logs)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{log.CategoryName} {log.FormattedMessage} {log.Exception}");
            foreach (var (key, value) in log.Attributes ?? [])
                text.AppendLine(CultureInfo.InvariantCulture, $"{key}={value}");
        }

        text.Append(await system.ScrapeAsync(openMetrics: true));
        return text.ToString();
    }

    private static void AppendTags(StringBuilder text, string name, MetricPoint point)
    {
        text.Append(name);
        foreach (var (key, value) in point.Tags)
            text.Append(CultureInfo.InvariantCulture, $" {key}={value}");
        text.AppendLine();
    }
}
