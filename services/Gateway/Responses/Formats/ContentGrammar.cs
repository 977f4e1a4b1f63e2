using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Formats;

/// <summary>What a format writes around content, where content is a region of its own.</summary>
/// <param name="Open">Before it.</param>
/// <param name="Close">Behind it; empty where the answer ends with it.</param>
internal sealed record ContentGrammar(string Open, string Close)
{
    public static ContentGrammar Read(JsonObject node) =>
        new(PythonTruth.Text(node["open"]) ?? "", PythonTruth.Text(node["close"]) ?? "");
}
