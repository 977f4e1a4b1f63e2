using System.Text.Json.Nodes;
using Parley.Gateway.OpenAi;
using static Parley.Gateway.ApiDescription.Shape;

namespace Parley.Gateway.ApiDescription;

/// <summary>The Responses API: <c>ResponsesApi/ResponseRequestReader</c> and <c>ResponsesApi/ResponseWriter</c>.</summary>
internal static class ResponseShapes
{
    private static readonly string[] Included =
    [
        "message.output_text.logprobs", "reasoning.encrypted_content", "file_search_call.results", "web_search_call.results",
        "web_search_call.action.sources", "message.input_image.image_url", "computer_call_output.output.image_url",
        "code_interpreter_call.outputs",
    ];

    private static readonly string[] EventTypes =
    [
        "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
        "response.output_text.delta", "response.output_text.done", "response.reasoning_text.delta", "response.reasoning_text.done",
        "response.reasoning_summary_part.added", "response.reasoning_summary_text.delta", "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.function_call_arguments.delta", "response.function_call_arguments.done", "response.content_part.done",
        "response.output_item.done", "response.completed", "response.incomplete", "response.failed", "error",
    ];

    public static IEnumerable<(string Name, JsonObject Schema)> Of(GatewayOptions options) =>
    [
        ("ResponseRequest", Request(Fields(options))),
        ("ResponseInputItem", AnyOf(
            Record(new Field("type", Text("message")), Needed("role", Text("user", "assistant", "system", "developer")),
                Needed("content", Texts()), new Field("id", Any())),
            Record(Needed("type", Text("function_call")), Needed("call_id", Text()), Needed("name", Text()),
                new Field("arguments", Any(), "JSON as a text, or the object itself."), new("id", Any())),
            Record(Needed("type", Text("function_call_output")), Needed("call_id", Text()), Needed("output", Texts()),
                new Field("id", Any())),
            Record(Needed("type", Text("reasoning")), new Field("content", OrNull(Texts())), new("summary", OrNull(Texts())),
                new("id", Any())),
            Record(Needed("type", Text("compaction")), Needed("encrypted_content", Text(), "As a compaction gave it."),
                new Field("id", Any())),
            Record(Needed("type", Text("item_reference")), Needed("id", Text(), "Of an item that is kept.")))),
        ("Response", Record(Response())),
        ("ResponseItem", Item()),
        ("ResponseItemList", Record(
            Needed("object", Constant("list")), Needed("data", List(Ref("ResponseItem"))), Needed("first_id", OrNull(Text())),
            Needed("last_id", OrNull(Text())), Needed("has_more", Flag()))),
        ("ResponseDeleted", Record(Needed("id", Text()), Needed("object", Constant("response")), Needed("deleted", Constant(true)))),
        ("ResponseCompaction", Record(
            Needed("id", Text()), Needed("object", Constant("response.compaction")), Needed("created_at", Integer(0)),
            Needed("output", List(Ref("ResponseItem"))), Needed("usage", Usage()))),
        ("ResponseInputTokens", Record(Needed("object", Constant("response.input_tokens")), Needed("input_tokens", Integer(0)))),
        ("ResponseEvent", Event()),
    ];

    private static IEnumerable<Field> Fields(GatewayOptions options)
    {
        Field[] own =
        [
            .. Own(), .. Calls(options),
            .. ((string[])["messages", "prompt", "conversation"]).Select(name => new Field(name, Empty(), "Not supported: input is.")),
            new("n", Constant(1), "A response has one answer."),
            new("prompt_logprobs", Constant(false), "Not here."),
        ];
        var names = own.Select(field => field.Name).ToHashSet(StringComparer.Ordinal);
        own =
        [
            .. own,
            .. ((IEnumerable<Field>)[.. GuideShapes.Answer(options), .. SamplingShapes.Of(options), .. GuideShapes.Thinking(),
                .. GuideShapes.Guides()]).Where(field => !names.Contains(field.Name)),
        ];
        Field[] known = [.. own, .. ChatShapes.Nested(), .. OtherShapes.Aliases(own)];
        return [.. known, .. OtherShapes.Of(OtherFields.All, known.Select(field => field.Name))];
    }

    private static IEnumerable<Field> Own() =>
    [
        new("model", Text(), "A served name; none is the only model."),
        new("input", AnyOf(Text(), List(Ref("ResponseInputItem"))), "A text of the user, or items; needed where no response goes before."),
        new("instructions", Text(), "The system message of this request alone."),
        new("previous_response_id", Text(), "The response that this one goes on from, where it is kept."),
        new("store", Flag(), "Whether the response is kept; true where nothing is said."),
        new("user", Any(), "Repeated in the response."),
        new("metadata", Pairs(), "Repeated in the response."),
        new("text", Request(
            new Field("format", TextFormat(), "What the answer must be."), new("verbosity", GuideShapes.Nothing())), "The answer's text."),
        new("reasoning", Request(
            [.. GuideShapes.Reasoning(), new Field("summary", Any()), new("generate_summary", Any()), new("context", Any())]),
            "How much the model thinks; with a `summary` `auto` or `detailed` its thoughts are told as their own summary too."),
        new("truncation", Text("auto", "disabled", ""), "`auto` lets the oldest turns go where the prompt does not fit."),
        new("include", List(Text(Included)), "What is told in addition."),
        new("service_tier", Any(), "As in chats."),
    ];

    private static IEnumerable<Field> Calls(GatewayOptions options) =>
    [
        new("tools", List(AnyOf(
            Ref("Tool"),
            Request(Needed("type", Text("function")), Needed("name", Sized(1)), new Field("description", Any()),
                new("parameters", AnyOf(Object(), GuideShapes.Nothing())), new("strict", Any()))), most: options.ToolsMax),
            "Functions that the model may call."),
        new("tool_choice", Ref("ToolChoice"), "Whether it calls one, and which."),
        new("parallel_tool_calls", Flag(), "False ends the answer with its first call."),
        new("max_tool_calls", Any(), "Counts calls of the server's own tools; there are none."),
        new("chat_template_kwargs", Object(), "Variables of the chat template."),
        new("top_logprobs", Integer(0, options.TopLogprobsMax), "Likeliest tokens told at each place."),
    ];

    private static JsonObject Pairs()
    {
        var pairs = Map(OrNull(Text()));
        pairs["maxProperties"] = 16;
        return pairs;
    }

    private static JsonObject Empty() => new() { ["enum"] = new JsonArray("", new JsonArray(), new JsonObject()) };

    private static JsonObject Texts() => AnyOf(Text(), List(AnyOf(
        Text(),
        Record(new Field("type", Text("input_text", "output_text", "text", "reasoning_text", "summary_text")), Needed("text", Text())),
        Record(Needed("type", Text("refusal")), Needed("refusal", Text())))));

    private static JsonObject TextFormat() => AnyOf(
        GuideShapes.Nothing(),
        Record(Needed("type", Text("text", "json_object"))),
        Record(Needed("type", Text("json_schema")), new Field("name", Any()), new("description", Any()),
            Needed("schema", AnyOf(Object(), Flag())), new("strict", Any())));

    private static IEnumerable<Field> Response() =>
    [
        Needed("id", Text()), Needed("object", Constant("response")), Needed("created_at", Integer(0)),
        Needed("status", Text("in_progress", "completed", "incomplete", "failed", "cancelled")), Needed("background", Constant(false)),
        Needed("error", OrNull(Record(Needed("code", Text()), Needed("message", Text())))),
        Needed("incomplete_details", OrNull(Record(Needed("reason", Text())))),
        Needed("instructions", OrNull(Text())), Needed("model", Text()), Needed("output", List(Ref("ResponseItem"))),
        Needed("previous_response_id", OrNull(Text())),
        Needed("reasoning", Record(Needed("effort", OrNull(Text())), Needed("summary", OrNull(Text())))),
        Needed("service_tier", Text()), Needed("store", Flag()),
        .. ((string[])["max_output_tokens", "max_tool_calls", "metadata", "parallel_tool_calls", "temperature", "text", "tool_choice",
            "tools", "top_logprobs", "top_p", "truncation"]).Select(name => Needed(name, Any(), "As the request said.")),
        Needed("usage", OrNull(Usage())),
        Needed("user", OrNull(Text())),
    ];

    private static JsonObject Usage() => Record(
        Needed("input_tokens", Unsigned()), Needed("input_tokens_details", Record(Needed("cached_tokens", Unsigned()))),
        Needed("output_tokens", Unsigned()), Needed("output_tokens_details", Record(Needed("reasoning_tokens", Unsigned()))),
        Needed("total_tokens", Integer(0)));

    private static JsonObject Item() => Record(
        Needed("id", Text()), Needed("type", Text("message", "function_call", "function_call_output", "reasoning", "compaction")),
        new Field("status", Text("in_progress", "completed", "incomplete")), new("role", Text()), new("content", List(Part())),
        new("summary", List(Part())), new("call_id", Text()), new("name", Text()), new("arguments", Text()),
        new("output", AnyOf(Text(), List(Part()))), new("encrypted_content", Text()));

    private static JsonObject Part() => Record(
        Needed("type", Text("output_text", "input_text", "reasoning_text", "summary_text")), Needed("text", Text()),
        new Field("annotations", List(Any())), new("logprobs", List(Ref("TokenLogprob"))));

    private static JsonObject Event() => Record(
        Needed("type", Text(EventTypes)), Needed("sequence_number", Integer(0)), new Field("response", Ref("Response")),
        new("item", Ref("ResponseItem")), new("part", Part()), new("item_id", Text()), new("output_index", Integer(0)),
        new("content_index", Integer(0)), new("summary_index", Integer(0)), new("delta", Text()), new("text", Text()),
        new("logprobs", List(Ref("TokenLogprob"))),
        new("name", Text()), new("arguments", Text()), new("code", OrNull(Text())), new("message", Text()), new("param", OrNull(Text())));
}
