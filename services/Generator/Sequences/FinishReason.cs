namespace Parley.Generator.Sequences;

/// <summary>Why a sequence is complete.</summary>
internal enum FinishReason
{
    /// <summary>One of the model's end-of-sequence ids.</summary>
    Eos,

    /// <summary>One of the request's stop ids.</summary>
    StopToken,

    /// <summary>As many tokens as the request allows.</summary>
    MaxTokens,

    /// <summary>Prompt and answer fill the context.</summary>
    ContextFull,
}
