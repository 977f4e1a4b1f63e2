using System.Text.Json.Nodes;
using Parley.Gateway.OpenAi;
using static Parley.Gateway.ApiDescription.Shape;

namespace Parley.Gateway.ApiDescription;

/// <summary>Completions, models, tokens of texts and errors: what OpenAI's API and its neighbours have beside chats.</summary>
internal static class CompletionShapes
{
    /// <summary>What belongs to chats, and must ask for nothing here.</summary>
    private static readonly string[] OfChats =
        ["messages", "tools", "chat_template_kwargs", "documents", "continue_final_message", "add_generation_prompt"];

    public static IEnumerable<(string Name, JsonObject Schema)> Of(GatewayOptions options) =>
    [
        ("CompletionRequest", Request(Fields(options))),
        ("Completion", Record(
            [.. ChatShapes.Head("text_completion"),
            Needed("choices", List(Choice()), "Empty in the chunk that tells the usage."),
            new("usage", AnyOf(Ref("Usage"), Null()), "Of a whole answer, or of a stream's last chunk where it was asked for.")])),
        ("Model", Record(Model())),
        ("AdapterToLoad", Request(
            new Field("lora_name", Text(), "What requests will give as their model.") { IsRequired = true },
            new Field("lora_path", Text(), "Its folder, within `Generator:AdapterDirectory`.") { IsRequired = true },
            new("lora_int_id", Any()), new("load_inplace", Any(), "One of the same name gives way in any case."))),
        ("AdapterToUnload", Request(new Field("lora_name", Text()) { IsRequired = true }, new("lora_int_id", Any()))),
        ("AdapterChange", Record(
            Needed("id", Text()), Needed("object", Constant("model")), Needed("loaded", Flag()),
            Needed("replaced", Flag(), "One of the same name has given way."),
            Needed("sequences_left", Unsigned(), "Answers that are still written with the one that has lost its name."))),
        ("ModelList", Record(Needed("object", Constant("list")), Needed("data", List(Ref("Model"))))),
        ("TokenizeRequest", Record(
        [
            new("prompt", Text(), "A text, as vLLM names it: with the tokens that the tokenizer puts around it."),
            new("content", Text(), "A text, as llama.cpp names it: without them."),
            new("messages", List(Ref("ChatMessage"), least: 1, most: options.MessagesMax),
                "A chat, with the fields that its prompt depends on, as in chat completions."),
            new("model", OrNull(Text())),
            new("add_special_tokens", OrNull(Flag()), "Whether those tokens are there; false only with messages."),
            new("add_special", OrNull(Flag()), "Another name of it."),
            new("return_token_strs", OrNull(Flag()), "Tells each token's entry of the vocabulary."),
            new("with_pieces", OrNull(Flag()), "Tells each token's text."),
            new("parse_special", new JsonObject { ["enum"] = new JsonArray(null, true) }),
        ])),
        ("Tokens", Record(
            Needed("count", Integer(0)), Needed("max_model_len", Unsigned()),
            Needed("tokens", List(AnyOf(Unsigned(), Record(Needed("id", Unsigned()), Needed("piece", Text()))))),
            new Field("token_strs", List(Text())))),
        ("DetokenizeRequest", Request(Needed("tokens", Ids()), new Field("model", Text()))),
        ("Detokenized", Record(Needed("prompt", Text()), Needed("content", Text(), "The same text, as llama.cpp names it."))),
    ];

    private static IEnumerable<Field> Fields(GatewayOptions options)
    {
        Field[] own =
        [
            new("model", Text(), "A served name; none is the only model."),
            Needed("prompt", Prompt(options), "A text, several, token ids, or several lists of them."),
            new("echo", Flag(), "Tells the prompt before the answer."),
            new("best_of", Integer(1, options.ChoicesMax), "Answers to choose the n likeliest from; not with stream."),
            new("logprobs", AnyOf(Integer(0, options.TopLogprobsMax), Constant(false)), "Likeliest tokens told at each place."),
            new("add_special_tokens", Flag(), "Whether the tokenizer puts its tokens around the prompt."),
            new("max_tokens", Limit(), "Tokens of the answer, 16 where nothing is said; -1 is as many as the context holds."),
            new("top_logprobs", new JsonObject { ["enum"] = new JsonArray(0, false) }, "Not here: logprobs is the number."),
            new("prompt_logprobs", new JsonObject { ["enum"] = new JsonArray(0, false) }, "Not here: echo adds the prompt's own."),
            new("suffix", Nothing(), "Not supported."),
            .. OfChats.Select(name => new Field(name, GuideShapes.Nothing(), "Belongs to chats.")),
        ];
        var names = own.Select(field => field.Name).ToHashSet(StringComparer.Ordinal);
        own =
        [
            .. own, .. GuideShapes.Answer(options), .. GuideShapes.Guides(),
            .. SamplingShapes.Of(options).Where(field => !names.Contains(field.Name)),
        ];
        Field[] known = [.. own, .. ChatShapes.Nested(), .. OtherShapes.Aliases(own)];
        return [.. known, .. OtherShapes.Of(OtherFields.All, known.Select(field => field.Name))];
    }

    private static JsonObject Nothing() => new() { ["enum"] = new JsonArray("", new JsonArray(), new JsonObject(), null) };

    private static JsonObject Prompt(GatewayOptions options) => AnyOf(
        Text(), List(Unsigned(), least: 1), List(AnyOf(Text(), List(Unsigned(), least: 1)), least: 1, most: options.PromptsMax));

    private static JsonObject Choice() => Record(
        Needed("text", Text()), Needed("index", Unsigned()),
        Needed("logprobs", OrNull(Record(
            Needed("tokens", List(Text())), Needed("token_logprobs", List(OrNull(Number()))),
            Needed("top_logprobs", List(OrNull(Map(Number())))), Needed("text_offset", List(Integer(0)), "In code points.")))),
        Needed("finish_reason", OrNull(Text("stop", "length"))), ChatShapes.StopReason());

    private static IEnumerable<Field> Model() =>
    [
        Needed("id", Text()), Needed("object", Constant("model")), Needed("created", Integer(0)), Needed("owned_by", Text()),
        Needed("root", Text()), Needed("parent", OrNull(Text()), "The model that an adapter is served beside."),
        Needed("max_model_len", Unsigned(), "Tokens of a prompt with its answer."), Needed("precision", Text()), Needed("device", Text()),
        Needed("default_sampling", Object(), "What a request means that says nothing of sampling, under the names of its fields."),
        Needed("varied_sampling", Object(), "What one means that asks for several answers, or for do_sample, and says nothing else."),
    ];
}
