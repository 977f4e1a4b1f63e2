using System.Text.Json;

namespace Parley.Gateway.ResponsesApi;

/// <summary>The events of thoughts that are told as their own summary, beside those of their content.</summary>
internal static class SummaryEvents
{
    public static ResponseEvent Added(OutputItem item) => Part("response.reasoning_summary_part.added", item, withContent: false);

    public static ResponseEvent Delta(OutputItem item, string text) => new("response.reasoning_summary_text.delta", json =>
    {
        WritePlace(json, item);
        json.WriteString("delta", text);
    });

    public static IEnumerable<ResponseEvent> Done(OutputItem item) =>
    [
        new ResponseEvent("response.reasoning_summary_text.done", json =>
        {
            WritePlace(json, item);
            json.WriteString("text", item.Text.ToString());
        }),
        Part("response.reasoning_summary_part.done", item, withContent: true),
    ];

    private static ResponseEvent Part(string type, OutputItem item, bool withContent) => new(type, json =>
    {
        WritePlace(json, item);
        json.WritePropertyName("part");
        item.WriteSummary(json, withContent);
    });

    private static void WritePlace(Utf8JsonWriter json, OutputItem item)
    {
        json.WriteString("item_id", item.Id);
        json.WriteNumber("output_index", item.Index);
        json.WriteNumber("summary_index", 0);
    }
}
