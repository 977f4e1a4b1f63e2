using System.Text.Json.Nodes;
using Parley.Gateway.OpenAi;
using static Parley.Gateway.ApiDescription.Shape;

namespace Parley.Gateway.ApiDescription;

/// <summary>Ollama's API: the readers and writers of the folder <c>Ollama</c>.</summary>
internal static class OllamaShapes
{
    public static IEnumerable<(string Name, JsonObject Schema)> Of(GatewayOptions options) =>
    [
        ("OllamaOptions", Request(Options(options))),
        ("OllamaChatRequest", Request(
            [new("messages", List(Ref("OllamaMessage"), most: options.MessagesMax), "None loads the model, which is loaded."),
            new("tools", List(Ref("Tool"), most: options.ToolsMax)), .. Settings(options)])),
        ("OllamaMessage", Request(
            [Needed("role", Text(), "system, user, assistant or tool, in capitals or not."),
            new("content", Text()), new("thinking", Text()), new("images", Empty(), "Not supported."),
            new("tool_calls", List(Request(
                new Field("id", Text()),
                new("function", Request(new Field("name", Text()), new("arguments", AnyOf(Object(), Text()))))))),
            new("tool_name", Text()), new("name", Text()), new("tool_call_id", Text())])),
        ("OllamaGenerateRequest", Request(
            [new("prompt", Text(), "None loads the model, which is loaded."), new("system", Text()),
            new("raw", Flag(), "Takes the prompt as it stands, without the chat template."),
            new("context", AnyOf(List(Integer()), Empty()), "What the answer before gave."),
            .. ((string[])["images", "suffix", "template"]).Select(name => new Field(name, Empty(), "Not supported.")),
            .. Settings(options)])),
        ("OllamaChatAnswer", Record([.. Opening(), Needed("message", Message()), .. Ending()])),
        ("OllamaGenerateAnswer", Record(
            [.. Opening(), Needed("response", Text()), new("thinking", Text()), new("context", List(Integer())), .. Ending()])),
        ("OllamaModelList", Record(Needed("models", List(Record(
            [.. Model(), new("modified_at", Text()), new("capabilities", List(Text())), new("expires_at", Text()),
            new("size_vram", Integer(0)), new("context_length", Unsigned())]))))),
        ("OllamaModelDetails", Record(
            [Needed("parent_model", Text()), Needed("format", Text()), Needed("family", Text()), Needed("families", List(Text())),
            Needed("parameter_size", Text()), Needed("quantization_level", Text()), Needed("context_length", Unsigned())])),
        ("OllamaModelRequest", Request(new Field("model", Text()), new("name", Text(), "The older name of `model`."))),
        ("OllamaShown", Record(
            [Needed("modelfile", Text()), Needed("parameters", Text()), Needed("template", Text()),
            Needed("details", Ref("OllamaModelDetails")),
            Needed("model_info", Object()), Needed("capabilities", List(Text())), Needed("modified_at", Text())])),
        ("OllamaVersion", Record(Needed("version", Text(), "Of Ollama, whose API of that version this is."))),
        ("OllamaPullRequest", Request(
            new Field("model", Text(), "A name of the Hub."), new("name", Text(), "The older name of `model`."), new("stream", Flag()),
            new("insecure", Any()), new("username", Any()), new("password", Any()))),
        ("OllamaPullProgress", Record(
            Needed("status", Text()), new Field("total", Integer(0), "Bytes."), new("completed", Integer(0)))),
    ];

    private static IEnumerable<Field> Settings(GatewayOptions options) =>
    [
        new("model", Text(), "A served name; none is the only model."),
        new("name", Text(), "The older name of `model`."),
        new("stream", Flag(), "A line for each piece of the answer, unless it is false."),
        new("options", Ref("OllamaOptions")),
        GuideShapes.Format(), GuideShapes.Think(),
        new("keep_alive", AnyOf(Number(), Time()), "Seconds, or a time such as 10m: taken; the model stays loaded."),
        new("logprobs", Flag(), "Tells the log-probability of each token."),
        new("top_logprobs", Integer(0, options.TopLogprobsMax), "Likeliest tokens told at each place."),
        new("truncate", Flag(), "Lets the oldest turns go where the prompt does not fit; true where nothing is said."),
        new("shift", Flag(), "Not done: an answer ends with its context."),
        new("_debug_render_only", OrNull(Constant(false))),
    ];

    private static JsonObject Time() => new()
    {
        ["type"] = "string",
        ["pattern"] = "^([-+]?(0|([0-9]{1,12}(\\.[0-9]{0,12})?(ns|us|µs|ms|s|m|h)){1,8}))?$",
    };

    private static IEnumerable<Field> Options(GatewayOptions options)
    {
        Field[] own =
        [
            new("num_ctx", Limit(), "Tokens of prompt and answer together."),
            new("stop", GuideShapes.Stop(options), "Texts that end the answer."),
            .. ((string[])["draft_num_predict", "vocab_only", "embedding_only", "logits_all"])
                .Select(name => new Field(name, Any(), "Taken and not done: named in X-Parley-Ignored-Fields.")),
            .. SamplingShapes.Of(options),
        ];
        Field[] known = [.. own, .. OtherShapes.Aliases(own)];
        return [.. known, .. OtherShapes.Of(OtherFields.All, known.Select(field => field.Name))];
    }

    private static JsonObject Empty() => new() { ["enum"] = new JsonArray("", new JsonArray(), new JsonObject()) };

    private static IEnumerable<Field> Opening() => [Needed("model", Text()), Needed("created_at", Text())];

    private static JsonObject Message() => Record(
        Needed("role", Constant("assistant")), Needed("content", Text()), new Field("thinking", Text()),
        new("tool_calls", List(Record(
            Needed("id", Text()),
            Needed("function", Record(Needed("index", Unsigned()), Needed("name", Text()), Needed("arguments", Object())))))));

    private static IEnumerable<Field> Ending() =>
    [
        Needed("done", Flag(), "The last object has true, and what follows here."),
        new("done_reason", Text("stop", "length", "load")), new("total_duration", Integer(0), "Nanoseconds, like all durations."),
        new("load_duration", Integer(0)), new("prompt_eval_count", Unsigned()), new("prompt_eval_duration", Integer(0)),
        new("eval_count", Unsigned()), new("eval_duration", Integer(0)),
        new("logprobs", List(Record(
            Needed("token", Text()), Needed("logprob", Number()), Needed("bytes", List(Integer(0, 255))),
            new Field("top_logprobs", List(Object()))))),
    ];

    private static IEnumerable<Field> Model() =>
    [
        Needed("name", Text()), Needed("model", Text()), Needed("size", Integer(0), "Bytes of the weights."), Needed("digest", Text()),
        Needed("details", Ref("OllamaModelDetails")),
    ];
}
