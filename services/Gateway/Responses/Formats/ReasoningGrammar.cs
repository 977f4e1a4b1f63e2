using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Formats;

/// <summary>How a format writes reasoning.</summary>
/// <param name="Open">What begins it, unless the prompt has.</param>
/// <param name="Close">What ends it.</param>
/// <param name="Spent">What is written to end it where its budget is spent; holds <paramref name="Close"/>.</param>
internal sealed record ReasoningGrammar(string Open, string Close, string Spent)
{
    private static readonly string[] Fields = ["reasoning_content", "reasoning", "thinking"];

    /// <summary>A text that stands between reasoning and what follows; or</summary>
    public string AfterText { get; init; } = "";

    /// <summary>a pattern of such texts; both may be empty.</summary>
    public string AfterPattern { get; init; } = "";

    /// <summary>There may be several such regions.</summary>
    public bool Repeats { get; init; }

    public static ReasoningGrammar Read(JsonObject node)
    {
        var after = node["after"];
        return new ReasoningGrammar(Text(node["open"]), Text(node["close"]), Text(node["spent"]))
        {
            AfterText = Text(after?["text"]),
            AfterPattern = Text(after?["regex"]),
            Repeats = PythonTruth.IsTrue(node["repeats"]),
        };
    }

    /// <summary>What a response template says of it; null where that is no plain text.</summary>
    public static ReasoningGrammar? Of(JsonObject template)
    {
        var field = Fields.Select(name => template["fields"]?[name]).OfType<JsonObject>().FirstOrDefault();
        return First(field?["open"]) is { } open && First(field?["close"]) is { } close
            ? new ReasoningGrammar(open, close, close) { AfterPattern = "\\n{0,2}" } : null;
    }

    private static string? First(JsonNode? node) => PythonTruth.Text(node is JsonArray { Count: > 0 } list ? list[0] : node);

    private static string Text(JsonNode? node) => PythonTruth.Text(node) ?? "";
}
