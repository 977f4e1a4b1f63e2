using System.Text.Json.Nodes;
using static Parley.Gateway.ApiDescription.Shape;

namespace Parley.Gateway.ApiDescription;

/// <summary>Messages and tools of OpenAI's requests.</summary>
internal static class MessageShapes
{
    private static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool"];

    public static IEnumerable<(string Name, JsonObject Schema)> Of(GatewayOptions options) =>
    [
        ("ChatMessage", Request(
        [
            Needed("role", Text([.. Roles, .. options.ExtraRoles]), "`developer` is read as `system`."),
            new("content", AnyOf(Text(), List(Ref("TextPart"))), "A text, or parts of text; may be missing where there are tool_calls."),
            new("name", Text()),
            new("tool_calls", List(Ref("ToolCall")), "Calls that the assistant made."),
            new("tool_call_id", Text(), "The call whose result this is."),
            new("reasoning_content", Text(), "What the assistant thought."),
            new("reasoning", Any(), "Another name of reasoning_content, where it is a text."),
            new("thinking", Any(), "The same."),
            new("refusal", Any(), "Stands for the content where there is none."),
            new("function_call", AnyOf(CalledFunction(), Constant("")), "The older form of tool_calls."),
            .. new[] { "audio", "images", "prefix", "partial" }.Select(name => new Field(name, GuideShapes.Nothing(), "Not supported.")),
        ])),
        ("TextPart", AnyOf(
            Text(),
            Record(new Field("type", OrNull(Text("text", "input_text", "output_text", ""))), Needed("text", Text())),
            Record(Needed("type", Text("refusal")), Needed("refusal", Text())))),
        ("ToolCall", Request(
            new Field("id", Text()), new("type", Text("function", "")), new("index", Any()),
            new("function", CalledFunction()))),
        ("Tool", Record(
            new Field("type", OrNull(Text("function"))),
            Needed("function", Function()))),
        ("ToolChoice", AnyOf(
            Text("none", "auto", "required", "any", ""),
            Record(Needed("type", Text("none", "auto", "required", "any"))),
            Record(new Field("type", Text("function", "tool")), Needed("name", Text())),
            Record(new Field("type", Text("function", "tool")), Needed("function", Record(Needed("name", Text())))),
            Record(Needed("type", Text("allowed_tools")), Needed("allowed_tools", Allowed())),
            Record(Needed("type", Text("allowed_tools")), new Field("mode", Any()), Needed("tools", List(Object()))))),
    ];

    /// <summary>A function as requests describe it.</summary>
    public static JsonObject Function() => Record(
        Needed("name", Sized(1)), new Field("description", Any()),
        new("parameters", AnyOf(Object(), GuideShapes.Nothing()), "A JSON schema of the arguments."),
        new("strict", Any(), "Arguments meet the schema in any case."), new("return", Any()));

    private static JsonObject Allowed() => Record(
        new Field("mode", Text("none", "auto", "required", "any")), Needed("tools", List(Object())));

    private static JsonObject CalledFunction() => Request(
        new Field("name", Text()), new("arguments", Any(), "JSON as a text, or the object itself."));
}
