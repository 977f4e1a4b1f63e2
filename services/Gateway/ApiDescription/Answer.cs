using System.Text.Json.Nodes;

namespace Parley.Gateway.ApiDescription;

/// <summary>A form in which a route answers with 200.</summary>
/// <param name="MediaType">Of the body.</param>
/// <param name="Schema">Of the body; of a stream it is a text.</param>
/// <param name="Item">Of a stream: the component that each of its events or lines is.</param>
internal sealed record Answer(string MediaType, JsonObject Schema, string? Item = null)
{
    public const string Events = "text/event-stream";
    public const string Lines = "application/x-ndjson";

    public static Answer Json(string component) => new("application/json", Shape.Ref(component));

    /// <summary>Server-sent events.</summary>
    /// <param name="component">What the data of each is.</param>
    /// <param name="end">How the stream ends, in a sentence.</param>
    public static Answer EventStream(string component, string end) => new(
        Events, Described($"Events whose `data` is a {component}. Comments keep the connection alive. {end}"), component);

    public static Answer LineStream(string component) => new(Lines, Described($"A {component} on each line."), component);

    private static JsonObject Described(string text)
    {
        var schema = Shape.Text();
        schema["description"] = text;
        return schema;
    }
}
