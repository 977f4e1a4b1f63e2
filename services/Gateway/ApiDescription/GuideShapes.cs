using System.Text.Json.Nodes;
using static Parley.Gateway.ApiDescription.Shape;

namespace Parley.Gateway.ApiDescription;

/// <summary>The fields of <c>OpenAi/GuideFields</c>, <c>OpenAi/ThinkingFields</c> and <c>OpenAi/AnswerFields</c>.</summary>
internal static class GuideShapes
{
    private static readonly string[] Efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max", ""];

    /// <summary>What an answer must be.</summary>
    public static IEnumerable<Field> Guides() =>
    [
        new("response_format", ResponseFormat(), "What the answer must be: text, JSON, JSON of a schema, a grammar, a structural tag."),
        new("json_schema", Schema(), "The answer is JSON of this schema."),
        new("guided_json", Schema(), "Another name of `json_schema`."),
        new("regex", Text(), "The answer matches this regular expression."),
        new("guided_regex", Text(), "Another name of `regex`."),
        new("grammar", Text(), "The answer is of this grammar (GBNF or Lark)."),
        new("ebnf", Text(), "Another name of `grammar`."),
        new("guided_grammar", Text(), "Another name of `grammar`."),
        new("structural_tag", AnyOf(Object(), Text()), "A structural tag, as JSON or as a text that holds it."),
        new("guided_choice", List(Text()), "The answer is one of these texts."),
        Format(),
        new("structured_outputs", Request(
            new Field("json", Schema()), new("regex", Text()), new("choice", List(Text())), new("grammar", Text()),
            new("structural_tag", AnyOf(Object(), Text())), new("json_object", Flag()), new("disable_any_whitespace", Any()),
            new("whitespace_pattern", Nothing()), new("disable_additional_properties", Nothing()), new("disable_fallback", Nothing())),
            "vLLM's way of saying the same."),
    ];

    /// <summary>Ollama's.</summary>
    public static Field Format() => new(
        "format", AnyOf(Text("json", ""), Object(), Flag()), "`json`, or a JSON schema that the answer meets.");

    /// <summary>How much the model thinks.</summary>
    public static IEnumerable<Field> Thinking() =>
    [
        new("reasoning_effort", Effort(), "How much the model thinks, where its template reads that."),
        new("enable_thinking", Flag(), "Whether it thinks, where its template reads that."),
        Think(),
        new("thinking", ThinkingObject(), "Whether it thinks, and for how many tokens at most."),
        new("reasoning", AnyOf(Request([.. Reasoning()])), "OpenRouter's way of saying the same."),
        .. BudgetNames.Select(name => new Field(name, Limit(), "Tokens of thoughts; then the answer begins. -1 is no limit.")),
    ];

    private static readonly string[] BudgetNames =
        ["thinking_budget", "thinking_budget_tokens", "thinking_token_budget", "reasoning_budget"];

    public static Field Think() => new("think", AnyOf(Flag(), Effort()), "Whether the model thinks, or how much.");

    public static IEnumerable<Field> Reasoning() =>
        [new("effort", Effort()), new("enabled", Flag()), new("exclude", Constant(false)), new("max_tokens", Limit())];

    public static JsonObject Effort() => Text(Efforts);

    public static JsonObject ThinkingObject() => AnyOf(
        Flag(),
        Request(new Field("type", Text("enabled", "disabled", "adaptive", "auto")), new("budget_tokens", Limit())));

    /// <summary>How many answers, what ends them, and how they are sent.</summary>
    public static IEnumerable<Field> Answer(GatewayOptions options) =>
    [
        new("n", Integer(1, options.ChoicesMax), "Answers to give."),
        new("stop", Stop(options), "Texts that end the answer, which is told without them."),
        new("include_stop_str_in_output", Flag(), "Tells the text that ended the answer as its end."),
        Stream(),
        new("stream_options", Request(
            new Field("include_usage", Flag(), "A last chunk tells what the answer took."), new("include_obfuscation", Any()),
            new("continuous_usage_stats", Constant(false))),
            "Of a stream."),
        new("usage", Request(new Field("include", Flag())), "OpenRouter's way of asking for the usage."),
    ];

    public static Field Stream() => new("stream", Flag(), "Sends the answer while it is written.");

    public static JsonObject Stop(GatewayOptions options) =>
        AnyOf(Sized(0, options.StopCharactersMax), List(Sized(1, options.StopCharactersMax), most: options.StopsMax));

    /// <summary>Values that ask for nothing.</summary>
    public static JsonObject Nothing() => new() { ["enum"] = new JsonArray(null, false, "", new JsonArray(), new JsonObject()) };

    /// <summary>A JSON schema, perhaps as a text.</summary>
    private static JsonObject Schema() => AnyOf(Object(), Flag(), Text());

    private static JsonObject ResponseFormat() => AnyOf(
        Text("text", ""),
        // An empty object asks for nothing.
        new JsonObject { ["type"] = "object", ["maxProperties"] = 0 },
        Record(Needed("type", Text("text"))),
        Record(Needed("type", Text("json_object")), new Field("schema", OrNull(Schema()))),
        Record(Needed("type", Text("json_schema")), Needed("json_schema", Record(
            new Field("name", OrNull(Text())), new Field("description", OrNull(Text())), Needed("schema", Schema()),
            new Field("strict", OrNull(Flag()))))),
        Record(Needed("type", Text("grammar")), Needed("grammar", AnyOf(Text(), Record(
            new Field("syntax", OrNull(Text("lark", "gbnf", "regex"))), Needed("definition", Text()))))),
        Record(Needed("type", Text("structural_tag"))));
}
