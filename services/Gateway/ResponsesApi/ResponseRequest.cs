using Parley.Gateway.Chat;

namespace Parley.Gateway.ResponsesApi;

/// <summary>A response as asked for over HTTP: the chat, and what its answer repeats.</summary>
internal sealed record ResponseRequest
{
    public required string Id { get; init; }

    public required ChatRequest Chat { get; init; }

    /// <summary>The whole conversation: that of the response before, and the input.</summary>
    public required IReadOnlyList<ResponseItem> Items { get; init; }

    public bool Stream { get; init; }

    public bool Store { get; init; } = true;

    public bool Logprobs { get; init; }

    public string? Instructions { get; init; }

    public string? PreviousResponseId { get; init; }

    public string? User { get; init; }

    public string? ReasoningEffort { get; init; }

    /// <summary>The summary of thoughts that is given, by its name.</summary>
    public string? ReasoningSummary { get; init; }

    public string ServiceTier { get; init; } = "default";

    /// <summary>Fields that the answer repeats as they came, JSON by name.</summary>
    public IReadOnlyDictionary<string, string> Repeated { get; init; } = new Dictionary<string, string>();
}
