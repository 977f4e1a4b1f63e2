using Parley.Gateway.Chat;

namespace Parley.Gateway.Completions;

/// <summary>
/// A completion as asked for over HTTP: one request of the pipeline for each prompt, and how the answers are to be written.
/// </summary>
internal sealed record CompletionRequest
{
    /// <summary>At least one.</summary>
    public required IReadOnlyList<ChatRequest> Prompts { get; init; }

    /// <summary>Answers to a prompt that are told.</summary>
    public uint Choices { get; init; } = 1;

    /// <summary>Answers to a prompt that are made; the likeliest are told.</summary>
    public uint BestOf { get; init; } = 1;

    /// <summary>The prompt stands before its answer.</summary>
    public bool Echo { get; init; }

    /// <summary>Likely tokens that are told beside each token; null where no log-probabilities are.</summary>
    public uint? Logprobs { get; init; }

    public bool Stream { get; init; }

    public bool IncludeUsage { get; init; }
}
