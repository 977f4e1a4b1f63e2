using System.Collections.Frozen;
using Parley.Generator.Sequences;

namespace Parley.Generator.Streaming;

/// <summary>When a sequence is complete. The token that completes it is delivered too.</summary>
/// <param name="eosTokenIds">The model's end-of-sequence ids.</param>
/// <param name="contextTokensMax">Prompt and answer together.</param>
internal sealed class StopConditions(FrozenSet<uint> eosTokenIds, int contextTokensMax)
{
    /// <summary>The reason that ends a sequence whose last token is new, or null.</summary>
    public FinishReason? Check(Sequence sequence)
    {
        var last = sequence.Tokens[^1];
        var parameters = sequence.Parameters;
        if (parameters.StopTokenIds.Contains(last))
            return FinishReason.StopToken;
        if (!parameters.IgnoreEos && eosTokenIds.Contains(last))
            return FinishReason.Eos;
        if (sequence.AnswerLength >= parameters.MaxTokens)
            return FinishReason.MaxTokens;
        return sequence.Length >= contextTokensMax ? FinishReason.ContextFull : null;
    }
}
