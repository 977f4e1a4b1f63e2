using System.Collections.Frozen;

namespace Parley.Gateway.Chat;

/// <summary>A chat request as the pipeline sees it, whichever edge it came through.</summary>
internal sealed record ChatRequest
{
    /// <summary>One id end to end, for logs and traces.</summary>
    public required string RequestId { get; init; }

    /// <summary>Served name; empty is the only one.</summary>
    public string Model { get; init; } = "";

    /// <summary>What is added to the model for it, where the name that it gave stands for an adapter; empty is nothing.</summary>
    public string Adapter { get; init; } = "";

    public required Conversation Conversation { get; init; }

    /// <summary>A prompt as it stands, in the place of the conversation: no template writes it.</summary>
    public RawPrompt? Prompt { get; init; }

    /// <summary>The oldest turns go where the prompt does not fit; else it is refused.</summary>
    public bool DropsOldestTurns { get; init; }

    /// <summary>Tokens of prompt and answer together; null is what the model's context holds.</summary>
    public uint? ContextTokensMax { get; init; }

    public SamplingSettings Sampling { get; init; } = new();

    /// <summary>The text ends before the first of these.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    public bool IncludeStop { get; init; }

    /// <summary>Whether the model calls tools.</summary>
    public ToolChoice ToolChoice { get; init; }

    /// <summary>Of the function that must be called, where it is a given one.</summary>
    public string ToolName { get; init; } = "";

    /// <summary>The functions that may be called; empty is all of them.</summary>
    public IReadOnlyList<string> AllowedTools { get; init; } = [];

    /// <summary>Fields that the caller gave under other names than the contract's, by the contract's, for refusals.</summary>
    public IReadOnlyDictionary<string, string> FieldsAsSent { get; init; } = FrozenDictionary<string, string>.Empty;

    /// <summary>Tokens of reasoning that the answer may have; null is any number.</summary>
    public uint? ReasoningTokensMax { get; init; }

    /// <summary>The field that says so, for refusals.</summary>
    public string ReasoningField { get; init; } = "reasoning_tokens_max";

    /// <summary>An answer may call several tools.</summary>
    public bool ParallelToolCalls { get; init; } = true;

    /// <summary>Number of answers.</summary>
    public uint Choices { get; init; } = 1;

    /// <summary>Whether the caller wants answers that vary, without saying how they are to be drawn.</summary>
    public bool Varied { get; init; }

    /// <summary>Whether the rendered template and the prompt's pieces are wanted.</summary>
    public bool Inspect { get; init; }

    /// <summary>Whether log-probabilities come with the pieces of their tokens.</summary>
    public bool TokenPieces { get; init; }

    /// <summary>When the answer is of no use any more; null is never.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>A field as the caller named it; itself where that is the same, or where the caller did not give it.</summary>
    /// <param name="field">Path in the contract, with or without the messages that settings stand in there.</param>
    public string NameAsSent(string field)
    {
        var start = 0;
        foreach (var message in (ReadOnlySpan<string>)["sampling.", "processors."])
        {
            if (field.AsSpan(start).StartsWith(message, StringComparison.Ordinal))
                start += message.Length;
        }

        var length = field.AsSpan(start).IndexOfAny('[', '.');
        var end = length < 0 ? field.Length : start + length;
        return FieldsAsSent.TryGetValue(field[start..end], out var sent) ? sent + field[end..] : field;
    }
}
