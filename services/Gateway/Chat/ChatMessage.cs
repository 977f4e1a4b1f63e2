namespace Parley.Gateway.Chat;

/// <summary>One message of a conversation.</summary>
internal sealed record ChatMessage
{
    /// <summary><c>system</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>, or a role that the options add.</summary>
    public required string Role { get; init; }

    /// <summary>Null where the message only calls tools, or where <see cref="Parts"/> holds the content.</summary>
    public string? Content { get; init; }

    /// <summary>The content as text parts, for templates that read a list.</summary>
    public IReadOnlyList<string> Parts { get; init; } = [];

    /// <summary>Places of what is an image, counted among all parts as they were sent.</summary>
    public IReadOnlyList<int> ImageParts { get; init; } = [];

    public string? Name { get; init; }

    public string? ToolCallId { get; init; }

    public IReadOnlyList<ChatToolCall> ToolCalls { get; init; } = [];

    public string? ReasoningContent { get; init; }

    /// <summary>Further keys of the message as one JSON object, or empty.</summary>
    public string ExtraJson { get; init; } = "";
}
