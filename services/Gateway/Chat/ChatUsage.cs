namespace Parley.Gateway.Chat;

/// <summary>Tokens of a request: the prompt once, however many choices, and the completions of all choices.</summary>
internal readonly record struct ChatUsage(uint PromptTokens, uint CachedTokens, uint CompletionTokens)
{
    /// <summary>Of the completions, what the models thought before they answered.</summary>
    public uint ReasoningTokens { get; init; }
}
