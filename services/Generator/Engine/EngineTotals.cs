namespace Parley.Generator.Engine;

/// <summary>What the engine has done since it was ready. Written by its thread.</summary>
internal sealed class EngineTotals
{
    public long Steps { get; set; }

    /// <summary>Prompt tokens that steps have read or the cache has spared.</summary>
    public long PromptTokens { get; set; }

    public long CompletionTokens { get; set; }

    public long CachedTokens { get; set; }

    public long Preemptions { get; set; }

    /// <summary>Tokens that were guessed, and those of them that were right.</summary>
    public long DraftTokens { get; set; }

    public long AcceptedTokens { get; set; }

    /// <summary>Of these, the guesses of the model's own head.</summary>
    public long HeadDraftTokens { get; set; }

    public long HeadAcceptedTokens { get; set; }
}
