using System.Text.Json.Nodes;
using Parley.Gateway.OpenAi;
using static Parley.Gateway.ApiDescription.Shape;

namespace Parley.Gateway.ApiDescription;

/// <summary>Chat completions: <c>OpenAi/ChatCompletionRequestReader</c> and <c>OpenAi/ChatCompletionWriter</c>.</summary>
internal static class ChatShapes
{
    public static IEnumerable<(string Name, JsonObject Schema)> Of(GatewayOptions options)
    {
        Field[] fields = [.. Fields(options)];
        return
        [
            ("ChatCompletionRequest", Request(fields)),
            ("ChatCompletion", Record(
                [.. Head("chat.completion"),
                Needed("choices", List(Choice("message", Message()))),
                new("prompt_logprobs", List(OrNull(Map(PromptToken()))), "Of each token of the prompt by token id; null for the first."),
                Needed("usage", Ref("Usage")), Needed("timings", Ref("Timings"))])),
            ("ChatCompletionChunk", Record(
                [.. Head("chat.completion.chunk"),
                Needed("choices", List(Choice("delta", Delta())), "Empty in the chunk that tells the usage."),
                new("usage", AnyOf(Ref("Usage"), Null()), "Where stream_options.include_usage asked for it."),
                new("timings", Ref("Timings"))])),
            ("TokenLogprob", Token(Needed("top_logprobs", List(Token())))),
            ("Usage", Record(
                Needed("prompt_tokens", Unsigned()), Needed("completion_tokens", Unsigned()), Needed("total_tokens", Integer(0)),
                Needed("prompt_tokens_details", Record(Needed("cached_tokens", Unsigned(), "Found in the prefix cache."))),
                new Field("completion_tokens_details", Record(Needed("reasoning_tokens", Unsigned()))))),
            ("Timings", Record(
                [.. ((string[])["template_ms", "encode_ms", "queue_ms", "prefill_ms", "decode_ms", "total_ms"])
                    .Select(name => Needed(name, Number()))])),
        ];
    }

    /// <summary>The fields of a chat that are no settings of sampling.</summary>
    public static IEnumerable<Field> Conversation(GatewayOptions options) =>
    [
        new("model", Text(), "A served name; none is the only model."),
        Needed("messages", List(Ref("ChatMessage"), least: 1, most: options.MessagesMax), "The chat so far."),
        new("tools", List(Ref("Tool"), most: options.ToolsMax), "Functions that the model may call."),
        new("tool_choice", Ref("ToolChoice"), "Whether it calls one, and which."),
        new("parallel_tool_calls", Flag(), "False ends the answer with its first call."),
        new("documents", List(Object()), "For templates that read documents."),
        new("chat_template_kwargs", Object(), "Variables of the chat template."),
        new("add_generation_prompt", Flag()),
        new("continue_final_message", Flag(), "The answer goes on with the last message."),
    ];

    /// <summary>What SDKs nest: the same fields in an object.</summary>
    public static IEnumerable<Field> Nested() => ((string[])["options", "extra_body"])
        .Select(name => new Field(name, Object(), "The same fields, as some clients nest them."));

    /// <summary>Members that objects of OpenAI's API begin with.</summary>
    public static IEnumerable<Field> Head(string kind) =>
    [
        Needed("id", Text()), Needed("object", Constant(kind)), Needed("created", Integer(0), "Unix time in seconds."),
        Needed("model", Text()), Needed("system_fingerprint", Text()),
    ];

    public static JsonObject FinishReason() => OrNull(Text("stop", "length", "tool_calls"));

    public static Field StopReason() =>
        new("stop_reason", AnyOf(Text(), Unsigned()), "The stop string or the id of the stop token that ended it.");

    private static IEnumerable<Field> Fields(GatewayOptions options)
    {
        Field[] own =
        [
            .. Conversation(options), .. GuideShapes.Answer(options), .. SamplingShapes.Of(options), .. GuideShapes.Thinking(),
            .. GuideShapes.Guides(),
        ];
        Field[] known = [.. own, .. Nested(), .. OtherShapes.Aliases(own)];
        return [.. known, .. OtherShapes.Of(OtherFields.All, known.Select(field => field.Name))];
    }

    private static JsonObject Choice(string key, JsonObject said) => Record(
        Needed("index", Unsigned()), Needed(key, said),
        Needed("logprobs", OrNull(Record(
            Needed("content", List(Ref("TokenLogprob"))), Needed("refusal", Null())))),
        Needed("finish_reason", FinishReason()), StopReason());

    private static JsonObject Message() => Record(
        Needed("role", Constant("assistant")), Needed("content", OrNull(Text())), new Field("reasoning_content", Text()),
        Needed("refusal", Null()),
        new("tool_calls", List(Record(
            Needed("id", Text()), Needed("type", Constant("function")),
            Needed("function", Record(Needed("name", Text()), Needed("arguments", Text(), "JSON.")))))));

    private static JsonObject Delta() => Record(
        new Field("role", Constant("assistant")), new("content", Text()), new("reasoning_content", Text()),
        new("tool_calls", List(Record(
            Needed("index", Unsigned()), new Field("id", Text()), new("type", Constant("function")),
            Needed("function", Record(new Field("name", Text()), Needed("arguments", Text(), "More of the JSON.")))))));

    private static JsonObject Token(params Field[] more) => Record(
        [Needed("token", Text()), Needed("logprob", Number()), Needed("bytes", List(Integer(0, 255))), .. more]);

    private static JsonObject PromptToken() => Record(
        Needed("logprob", Number()), Needed("rank", Integer(0)), Needed("decoded_token", Text()));
}
