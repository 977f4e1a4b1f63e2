using Parley.Gateway.Chat;

namespace Parley.Gateway.Anthropic;

/// <summary>One block of a turn's content: one of a text, a thought, a call, and the result of one.</summary>
internal sealed record Block(string Field)
{
    public string? Text { get; init; }

    /// <summary>What the model thought; empty where nobody can read it any more.</summary>
    public string? Thinking { get; init; }

    public ChatToolCall? Call { get; init; }

    /// <summary>Id of the call that <see cref="Parts"/> are the result of.</summary>
    public string? ResultOf { get; init; }

    public IReadOnlyList<string> Parts { get; init; } = [];
}
