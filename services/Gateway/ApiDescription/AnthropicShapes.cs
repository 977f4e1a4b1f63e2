using System.Text.Json.Nodes;
using Parley.Gateway.Anthropic;
using static Parley.Gateway.ApiDescription.Shape;

namespace Parley.Gateway.ApiDescription;

/// <summary>Messages: <c>Anthropic/MessagesRequestReader</c> and <c>Anthropic/MessageWriter</c>.</summary>
internal static class AnthropicShapes
{
    /// <summary>Settings that have no place in a message.</summary>
    private static readonly string[] NotHere = ["logprobs", "top_logprobs", "prompt_logprobs"];

    public static IEnumerable<(string Name, JsonObject Schema)> Of(GatewayOptions options)
    {
        Field[] fields = [.. Fields(options)];
        return
        [
            ("MessagesRequest", Request(fields)),
            ("CountTokensRequest", Request(Fields(options).Select(field => field.Name == "max_tokens"
                ? new Field(field.Name, Limit(), field.Text) : field))),
            ("ContentBlock", Block()),
            ("Message", Record(Message(fields: [Needed("content", List(AnswerBlock()))]))),
            ("MessageEvent", Event()),
            ("MessageUsage", Usage()),
            ("MessageTokens", Record(Needed("input_tokens", Integer(0)))),
            ("AnthropicModel", Record(
                [Needed("type", Constant("model")), Needed("id", Text()), Needed("display_name", Text()), Needed("created_at", Text()),
                Needed("max_input_tokens", Unsigned()), Needed("max_tokens", Unsigned()), Needed("capabilities", Null()),
                Needed("lifecycle", Text()), Needed("line", Null()), Needed("deprecated_at", Null()), Needed("retires_at", Null())])),
            ("AnthropicModelList", Record(
                Needed("data", List(Ref("AnthropicModel"))), Needed("first_id", OrNull(Text())), Needed("last_id", OrNull(Text())),
                Needed("has_more", Flag()))),
        ];
    }

    private static IEnumerable<Field> Fields(GatewayOptions options)
    {
        Field[] own =
        [
            .. Own(options),
            .. SamplingShapes.Of(options).Where(field => field.Name is not ("max_tokens" or "temperature" or "service_tier")
                && !NotHere.Contains(field.Name)),
        ];
        Field[] known =
        [
            .. own,
            .. OtherShapes.Aliases(own).Where(alias => OpenAi.FieldAliases.SettingOf(alias.Name) is not ("stop" or "n")),
        ];
        return [.. known, .. OtherShapes.Of(OtherMessageFields.All, known.Select(field => field.Name))];
    }

    private static IEnumerable<Field> Own(GatewayOptions options) =>
    [
        new("model", Text(), "A served name; none is the only model."),
        Needed("messages", List(Request(
            Needed("role", Text("user", "assistant", "system")), Needed("content", Content())), least: 1),
            "Turns; a last one of the assistant is gone on with."),
        Needed("max_tokens", Limit(), "Tokens of the answer, at least 1; -1 is as many as the context holds."),
        new("system", Content(), "A text, or text blocks."),
        new("temperature", Number(0, 1), "Divides the logits; 0 takes the likeliest token each time."),
        new("stop_sequences", List(Sized(1, options.StopCharactersMax), most: options.StopsMax), "Texts that end the answer."),
        GuideShapes.Stream(),
        new("tools", List(Request(
            new Field("type", Text("custom")), Needed("name", Sized(1)), new("description", Text()),
            Needed("input_schema", Object()), new("strict", Flag()),
            new("eager_input_streaming", Flag(), "Tells its input while it is written.")),
            most: options.ToolsMax), "The caller's own tools."),
        new("tool_choice", Request(
            Needed("type", Text("auto", "any", "tool", "none")), new Field("name", Text()), new("disable_parallel_tool_use", Flag())),
            "Whether it calls one, and which."),
        new("thinking", AnyOf(Flag(), Request(
            new Field("type", Text("enabled", "disabled", "adaptive", "auto")), new("budget_tokens", Limit()),
            new("display", Text("summarized", "omitted")))),
            "Whether the model thinks before it answers, and for how many tokens at most."),
        new("output_config", Request(new Field("effort", GuideShapes.Effort()), new("format", Format()))),
        new("output_format", Format(), "The older place of output_config.format."),
    ];

    private static JsonObject Format() => Request(
        new Field("type", Text("json_schema")), Needed("schema", AnyOf(Object(), Flag(), Text())));

    private static JsonObject Content() => AnyOf(Text(), List(Ref("ContentBlock")));

    private static JsonObject Block() => AnyOf(
        Request(Needed("type", Text("text")), Needed("text", Text())),
        Request(
            Needed("type", Text("document")), Needed("source", Request(Needed("type", Text("text")), Needed("data", Text())))),
        Request(Needed("type", Text("tool_result")), Needed("tool_use_id", Text()),
            new Field("content", AnyOf(Text(), List(Object()))), new("is_error", Flag())),
        Request(Needed("type", Text("tool_use")), Needed("id", Text()), Needed("name", Text()), new Field("input", Object())),
        Request(Needed("type", Text("thinking")), Needed("thinking", Text()), new Field("signature", Any())),
        Request(Needed("type", Text("redacted_thinking")), new Field("data", Any())));

    private static JsonObject AnswerBlock() => AnyOf(
        Record(Needed("type", Constant("text")), Needed("text", Text()), Needed("citations", Null())),
        Record(Needed("type", Constant("thinking")), Needed("thinking", Text()), Needed("signature", Text())),
        Record(Needed("type", Constant("tool_use")), Needed("id", Text()), Needed("name", Text()),
            Needed("caller", Record(Needed("type", Constant("direct")))), Needed("input", Object())));

    private static IEnumerable<Field> Message(params Field[] fields) =>
    [
        Needed("id", Text()), Needed("type", Constant("message")), Needed("role", Constant("assistant")), Needed("model", Text()),
        Needed("container", Null()), Needed("diagnostics", Null()), .. fields, .. Stop(), Needed("usage", Ref("MessageUsage")),
    ];

    private static IEnumerable<Field> Stop() =>
    [
        Needed("stop_reason", OrNull(Text("end_turn", "max_tokens", "stop_sequence", "tool_use"))),
        Needed("stop_sequence", OrNull(Text())), Needed("stop_details", Null()),
    ];

    private static JsonObject Usage() => Record(
        Needed("input_tokens", Unsigned(), "Without those of the prefix cache."), Needed("cache_creation", Null()),
        Needed("cache_creation_input_tokens", Unsigned()), Needed("cache_read_input_tokens", Unsigned()),
        Needed("output_tokens", Unsigned()),
        Needed("output_tokens_details", Record(Needed("thinking_tokens", Unsigned()))), Needed("server_tool_use", Null()),
        Needed("service_tier", Text()), Needed("inference_geo", Null()), Needed("speed", Null()));

    private static JsonObject Event() => AnyOf(
        Record(Needed("type", Constant("message_start")), Needed("message", Ref("Message"))),
        Record(Needed("type", Constant("content_block_start")), Needed("index", Unsigned()), Needed("content_block", AnswerBlock())),
        Record(Needed("type", Constant("content_block_delta")), Needed("index", Unsigned()), Needed("delta", AnyOf(
            Record(Needed("type", Constant("text_delta")), Needed("text", Text())),
            Record(Needed("type", Constant("thinking_delta")), Needed("thinking", Text())),
            Record(Needed("type", Constant("signature_delta")), Needed("signature", Text())),
            Record(Needed("type", Constant("input_json_delta")), Needed("partial_json", Text()))))),
        Record(Needed("type", Constant("content_block_stop")), Needed("index", Unsigned())),
        Record(Needed("type", Constant("message_delta")),
            Needed("delta", Record([.. Stop(), Needed("container", Null())])), Needed("usage", Ref("MessageUsage"))),
        Record(Needed("type", Constant("message_stop"))),
        Record(Needed("type", Constant("ping"))),
        Ref("AnthropicError"));
}
