using static Parley.Gateway.ApiDescription.Faults;

namespace Parley.Gateway.ApiDescription;

/// <summary>The routes in Ollama's shape.</summary>
internal static class OllamaOperations
{
    private const string Tag = "Ollama";
    private const string OneModel = "Refused: one model is served, chosen when the server starts.";

    public static IEnumerable<Operation> All =>
    [
        new("POST", "/api/chat", "ollamaChat", Tag, "An answer to a chat, line by line unless `stream` is false.")
        {
            Request = "OllamaChatRequest",
            Example = """{"messages": [{"role": "user", "content": "What is a KV cache?"}], "stream": false}""",
            Answers = [Answer.Json("OllamaChatAnswer"), Answer.LineStream("OllamaChatAnswer")],
            Protocol = Protocol.Ollama,
            Faults = OfModel,
            Headers = [HeaderNames.Ignored, HeaderNames.Unasserted],
        },
        new("POST", "/api/generate", "ollamaGenerate", Tag, "An answer to a prompt, line by line unless `stream` is false.")
        {
            Request = "OllamaGenerateRequest",
            Example = """{"prompt": "What is a KV cache?", "stream": false}""",
            Answers = [Answer.Json("OllamaGenerateAnswer"), Answer.LineStream("OllamaGenerateAnswer")],
            Protocol = Protocol.Ollama,
            Faults = OfModel,
            Headers = [HeaderNames.Ignored, HeaderNames.Unasserted],
        },
        Reading("/api/tags", "ollamaTags", "The served names.", "OllamaModelList"),
        Reading("/api/ps", "ollamaLoaded", "The model that is loaded.", "OllamaModelList"),
        Reading("/api/version", "ollamaVersion", "The version of Ollama's API that is spoken here.", "OllamaVersion"),
        new("POST", "/api/show", "ollamaShow", Tag, "What is known of the model.")
        {
            Request = "OllamaModelRequest",
            Example = "{}",
            Answers = [Answer.Json("OllamaShown")],
            Protocol = Protocol.Ollama,
            Faults = OfModel,
        },
        new("POST", "/api/pull", "ollamaPull", Tag, "Fetches a model of the Hub, where `Gateway:AllowPull` lets callers with a key do so.")
        {
            Request = "OllamaPullRequest",
            Example = """{"model": "HuggingFaceTB/SmolLM2-135M-Instruct"}""",
            Answers = [Answer.Json("OllamaPullProgress"), Answer.LineStream("OllamaPullProgress")],
            Protocol = Protocol.Ollama,
            Faults = OfModel,
            Headers = [HeaderNames.Ignored],
        },
        Refused("POST", "/api/embed", "ollamaEmbed", "Refused: the served model writes text."),
        Refused("POST", "/api/embeddings", "ollamaEmbeddings", "Refused: the served model writes text."),
        Refused("POST", "/api/create", "ollamaCreate", OneModel),
        Refused("POST", "/api/copy", "ollamaCopy", OneModel),
        Refused("DELETE", "/api/delete", "ollamaDelete", OneModel),
        Refused("POST", "/api/push", "ollamaPush", OneModel),
        Refused("POST", "/api/blobs/{digest}", "ollamaPutBlob", OneModel),
        Refused("HEAD", "/api/blobs/{digest}", "ollamaHasBlob", OneModel),
    ];

    private static Operation Reading(string path, string id, string summary, string answer) => new("GET", path, id, Tag, summary)
    {
        Answers = [Answer.Json(answer)],
        Protocol = Protocol.Ollama,
        Faults = OfReading,
    };

    private static Operation Refused(string method, string path, string id, string summary) => new(method, path, id, Tag, summary)
    {
        Protocol = Protocol.Ollama,
        Faults = OfRefusal,
        Parameters = path.EndsWith("{digest}", StringComparison.Ordinal) ? [new("path", "digest", Shape.Text(), "Of a file.")] : [],
    };
}
