using static Parley.Gateway.ApiDescription.Faults;

namespace Parley.Gateway.ApiDescription;

/// <summary>The routes in OpenAI's shape.</summary>
internal static class OpenAiOperations
{
    private const string Tag = "OpenAI";
    private const string Done = "It ends with `data: [DONE]`; an error on the way is an OpenAiError, and nothing follows it.";

    private static readonly Parameter ResponseId = new("path", "id", Shape.Text(), "Of a response that is kept.");

    public static IEnumerable<Operation> All =>
    [
        new("POST", "/v1/chat/completions", "createChatCompletion", Tag, "An answer to a chat.")
        {
            Request = "ChatCompletionRequest",
            Example = """{"messages": [{"role": "user", "content": "What is a KV cache?"}], "max_tokens": 64}""",
            Answers = [Answer.Json("ChatCompletion"), Answer.EventStream("ChatCompletionChunk", Done)],
            Protocol = Protocol.OpenAi,
            Faults = OfModel,
            Headers = [HeaderNames.Ignored, HeaderNames.Unasserted],
        },
        new("POST", "/v1/completions", "createCompletion", Tag, "What follows a text.")
        {
            Request = "CompletionRequest",
            Example = """{"prompt": "Once upon a time", "max_tokens": 32}""",
            Answers = [Answer.Json("Completion"), Answer.EventStream("Completion", Done)],
            Protocol = Protocol.OpenAi,
            Faults = OfModel,
            Headers = [HeaderNames.Ignored, HeaderNames.Unasserted],
        },
        .. Responses(),
        new("GET", "/v1/models", "listModels", Tag, "The served names.")
        {
            Text = "With `anthropic-version` the answer is in Anthropic's shape.",
            Answers = [new Answer("application/json", Shape.AnyOf(Shape.Ref("ModelList"), Shape.Ref("AnthropicModelList")))],
            Protocol = Protocol.OpenAi,
            Faults = OfReading,
            Parameters = [Version],
            Headers = HeaderNames.OfAnthropic,
        },
        new("GET", "/v1/models/{id}", "getModel", Tag, "A served name; it may hold slashes.")
        {
            Text = "With `anthropic-version` the answer is in Anthropic's shape.",
            Answers = [new Answer("application/json", Shape.AnyOf(Shape.Ref("Model"), Shape.Ref("AnthropicModel")))],
            Protocol = Protocol.OpenAi,
            Faults = [.. OfReading, 404],
            Parameters = [new("path", "id", Shape.Text(), "A served name."), Version],
            Headers = HeaderNames.OfAnthropic,
        },
        new("POST", "/v1/load_lora_adapter", "loadAdapter", Tag,
            "Serves an adapter beside the model, where `Gateway:AllowAdapterLoading` lets callers with a key do so.")
        {
            Request = "AdapterToLoad",
            Example = """{"lora_name": "support", "lora_path": "support-v2"}""",
            Answers = [Answer.Json("AdapterChange")],
            Protocol = Protocol.OpenAi,
            Faults = OfModel,
            Headers = [HeaderNames.Ignored],
        },
        new("POST", "/v1/unload_lora_adapter", "unloadAdapter", Tag, "Refuses an adapter to new requests; those that run keep it.")
        {
            Request = "AdapterToUnload",
            Example = """{"lora_name": "support"}""",
            Answers = [Answer.Json("AdapterChange")],
            Protocol = Protocol.OpenAi,
            Faults = OfModel,
            Headers = [HeaderNames.Ignored],
        },
        new("POST", "/v1/embeddings", "createEmbedding", Tag, "Refused: the served model writes text.")
        {
            Protocol = Protocol.OpenAi,
            Faults = OfRefusal,
        },
        .. Tokens(),
    ];

    public static Parameter Version => new(
        "header", "anthropic-version", Shape.Text(), "Any version, e.g. 2023-06-01: the answer is in Anthropic's shape.");

    private static IEnumerable<Operation> Responses() =>
    [
        new("POST", "/v1/responses", "createResponse", "Responses", "A response, kept unless `store` is false.")
        {
            Request = "ResponseRequest",
            Example = """{"input": "What is a KV cache?", "max_output_tokens": 64}""",
            Answers =
            [
                Answer.Json("Response"),
                Answer.EventStream(
                    "ResponseEvent", "It ends with response.completed, response.incomplete, response.failed or error."),
            ],
            Protocol = Protocol.OpenAi,
            Faults = OfModel,
            Headers = [HeaderNames.Ignored, HeaderNames.Unasserted, HeaderNames.Dropped],
        },
        new("POST", "/v1/responses/input_tokens", "countResponseTokens", "Responses", "The tokens of a request's prompt.")
        {
            Request = "ResponseRequest",
            Example = """{"input": "What is a KV cache?"}""",
            Answers = [Answer.Json("ResponseInputTokens")],
            Protocol = Protocol.OpenAi,
            Faults = OfModel,
            Headers = [HeaderNames.Ignored],
        },
        new("POST", "/v1/responses/compact", "compactResponse", "Responses", "What to go on with in the place of a long conversation.")
        {
            Text = "Every message of the user and the system as it stands, and a summary by the model in the place of all else. "
                + "Nothing is kept or streamed.",
            Request = "ResponseRequest",
            Example = """{"input": "What is a KV cache?", "max_output_tokens": 64}""",
            Answers = [Answer.Json("ResponseCompaction")],
            Protocol = Protocol.OpenAi,
            Faults = OfModel,
            Headers = [HeaderNames.Ignored, HeaderNames.Dropped],
        },
        new("GET", "/v1/responses/{id}", "getResponse", "Responses", "A response that is kept.")
        {
            Answers = [Answer.Json("Response")],
            Protocol = Protocol.OpenAi,
            Faults = [.. OfReading, 400, 404],
            Parameters = [ResponseId, new("query", "stream", Shape.Text("false"), "One that has ended is not streamed again.")],
        },
        new("DELETE", "/v1/responses/{id}", "deleteResponse", "Responses", "Forgets a response.")
        {
            Answers = [Answer.Json("ResponseDeleted")],
            Protocol = Protocol.OpenAi,
            Faults = [.. OfReading, 404],
            Parameters = [ResponseId],
        },
        new("GET", "/v1/responses/{id}/input_items", "listInputItems", "Responses", "The conversation that a response answered.")
        {
            Answers = [Answer.Json("ResponseItemList")],
            Protocol = Protocol.OpenAi,
            Faults = [.. OfReading, 400, 404],
            Parameters =
            [
                ResponseId,
                new("query", "limit", Shape.Integer(1, 100), "Items at most; 20 where nothing is said."),
                new("query", "order", Shape.Text("asc", "desc"), "`desc`, the latest first, where nothing is said."),
                new("query", "after", Shape.Text(), "The item after which to begin."),
                new("query", "before", Shape.Text(), "The item before which to end."),
            ],
        },
        new("POST", "/v1/responses/{id}/cancel", "cancelResponse", "Responses", "Ends a response that is being written.")
        {
            Answers = [Answer.Json("Response")],
            Protocol = Protocol.OpenAi,
            Faults = [.. OfReading, 400, 404],
            Parameters = [ResponseId],
        },
    ];

    private static IEnumerable<Operation> Tokens()
    {
        foreach (var (root, version) in ((string, string)[])[("", ""), ("/v1", "V1")])
        {
            yield return new("POST", root + "/tokenize", "tokenize" + version, "Tokens", "The tokens of a text or a chat.")
            {
                Text = "With messages, fields of chat completions are taken as there.",
                Request = "TokenizeRequest",
                Example = """{"prompt": "Hello, world!", "return_token_strs": true}""",
                Answers = [Answer.Json("Tokens")],
                Protocol = Protocol.OpenAi,
                Faults = OfModel,
                Headers = [HeaderNames.Ignored],
            };
            yield return new("POST", root + "/detokenize", "detokenize" + version, "Tokens", "The text of tokens.")
            {
                Request = "DetokenizeRequest",
                Example = """{"tokens": [1, 2, 3]}""",
                Answers = [Answer.Json("Detokenized")],
                Protocol = Protocol.OpenAi,
                Faults = OfModel,
                Headers = [HeaderNames.Ignored],
            };
        }
    }
}
