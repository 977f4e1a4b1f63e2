using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>What a Generator tells of one sequence; exactly one of <see cref="Finished"/> and <see cref="Failed"/> is the last.</summary>
internal abstract record GenerationEvent
{
    /// <summary>Comes first, where the guide's schema names formats that nobody defines.</summary>
    internal sealed record Guide(IReadOnlyList<string> UnassertedFormats) : GenerationEvent;

    /// <summary>The prompt's turn has come; the seed is there where the answer is drawn.</summary>
    internal sealed record Prompt(uint PromptTokens, uint CachedTokens, ulong? Seed = null) : GenerationEvent;

    /// <summary>Another Generator goes on with the answer; bit for bit as the one before, or not certainly so.</summary>
    internal sealed record Resumed(bool IsExact) : GenerationEvent;

    internal sealed record Progress(uint QueuePosition, uint PromptTokensDone) : GenerationEvent;

    internal sealed record Tokens(uint[] Ids, IReadOnlyList<TokenLogprobs> Logprobs, IReadOnlyList<TokenTrace> Traces) : GenerationEvent;

    internal sealed record PromptLogprobs(uint Start, IReadOnlyList<PromptTokenLogprobs> Judged) : GenerationEvent;

    internal sealed record Finished(
        ChatFinishReason Reason, uint? StopTokenId, uint CompletionTokens, uint CachedTokens, TimeSpan Queue, TimeSpan Prefill,
        TimeSpan Decode, ulong Seed)
        : GenerationEvent;

    internal sealed record Failed(ChatError Error) : GenerationEvent;
}
