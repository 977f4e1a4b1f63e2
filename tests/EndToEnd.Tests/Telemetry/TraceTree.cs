using System.Diagnostics;
using System.Globalization;

namespace Parley.EndToEnd.Tests.Telemetry;

/// <summary>A trace as lines: a span below its parent, with its service, its events and, where asked for, its times.</summary>
internal static class TraceTree
{
    public static string Draw(IReadOnlyList<Activity> spans, bool withTimes = false)
    {
        var own = spans.Select(span => span.SpanId).ToHashSet();
        var start = spans.Count == 0 ? default : spans.Min(span => span.StartTimeUtc);
        var lines = new List<string>();
        foreach (var root in InOrder(spans.Where(span => !own.Contains(span.ParentSpanId))))
            Add(root, 0);
        return string.Join('\n', lines);

        void Add(Activity span, int depth)
        {
            var events = string.Concat(InOrder(span.Events).Select(one => $" ·{one.Name}"));
            var error = span.Status == ActivityStatusCode.Error ? $" !{span.StatusDescription}" : "";
            var text = $"{new string(' ', 2 * depth)}{span.DisplayName} [{SourceOf(span)}]{events}{error}";
            if (withTimes)
            {
                var (at, duration) = ((span.StartTimeUtc - start).TotalMilliseconds, span.Duration.TotalMilliseconds);
                text = string.Create(CultureInfo.InvariantCulture, $"{at,9:0.00} {duration,9:0.00}  {text}");
            }

            lines.Add(text);
            foreach (var child in InOrder(spans.Where(one => one.ParentSpanId == span.SpanId)))
                Add(child, depth + 1);
        }
    }

    private static string SourceOf(Activity span) => span.Source.Name switch
    {
        "Microsoft.AspNetCore" => "server",
        "OpenTelemetry.Instrumentation.GrpcNetClient" => "grpc",
        var name => name.Replace("Parley.", "", StringComparison.Ordinal),
    };

    /// <summary>By their starts, but for the Tokenizer's stream: whether it or the call to the Generator begins first is a race.</summary>
    private static IEnumerable<Activity> InOrder(IEnumerable<Activity> spans) =>
        spans.OrderBy(span => span.DisplayName == "detokenize").ThenBy(span => span.StartTimeUtc);

    private static IEnumerable<ActivityEvent> InOrder(IEnumerable<ActivityEvent> events) => events.OrderBy(one => one.Timestamp);
}
