using System.Text.Json.Nodes;
using static Parley.Gateway.ApiDescription.Shape;

namespace Parley.Gateway.ApiDescription;

/// <summary>The routes about the server itself, open to everyone.</summary>
internal static class ServerOperations
{
    private const string Tag = "Server";

    public static IEnumerable<(string Name, JsonObject Schema)> Shapes =>
    [
        ("Health", Record(Needed("status", Text("ready", "not ready", "live", "not live")), new Field("reason", Text()))),
        ("OpenAiError", Record(Needed("error", Record(
            Needed("message", Text(), "For people; names every field that is at fault."), Needed("type", Text()),
            Needed("param", OrNull(Text()), "The first such field."), Needed("code", OrNull(Text())))))),
        ("AnthropicError", Record(
            Needed("type", Constant("error")), Needed("error", Record(Needed("type", Text()), Needed("message", Text()))),
            Needed("request_id", Text()))),
        ("OllamaError", Record(Needed("error", Text()))),
    ];

    public static IEnumerable<Operation> All =>
    [
        Health("/health", "getReadiness", "Whether requests are served: this service and those behind it."),
        Health("/health/live", "getLiveness", "Whether the process lives; one that does not must be restarted."),
        new("GET", "/openapi.json", "getDescription", Tag, "This document.")
        {
            Answers = [new Answer("application/json", Shape.Object())],
            IsOpen = true,
        },
        Page("/reference", "getReference", "This document as a page."),
        Page("/", "getPage", "The chat page; who asks for no HTML is told in a line that Parley runs."),
    ];

    private static Operation Health(string path, string id, string summary) => new("GET", path, id, Tag, summary)
    {
        Answers = [Answer.Json("Health")],
        Faults = [503],
        IsOpen = true,
    };

    private static Operation Page(string path, string id, string summary) => new("GET", path, id, Tag, summary)
    {
        Answers = [new Answer("text/html", Text())],
        IsOpen = true,
    };
}
