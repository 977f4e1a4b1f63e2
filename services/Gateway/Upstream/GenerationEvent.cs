using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>What the Generator tells of one sequence; exactly one of <see cref="Finished"/> and <see cref="Failed"/> is the last.</summary>
internal abstract record GenerationEvent
{
    /// <summary>Comes first, where the guide's schema names formats that nobody defines.</summary>
    internal sealed record Guide(IReadOnlyList<string> UnassertedFormats) : GenerationEvent;

    internal sealed record Prompt(uint PromptTokens, uint CachedTokens) : GenerationEvent;

    internal sealed record Progress(uint QueuePosition, uint PromptTokensDone) : GenerationEvent;

    internal sealed record Tokens(uint[] Ids, IReadOnlyList<TokenLogprobs> Logprobs, IReadOnlyList<TokenTrace> Traces) : GenerationEvent;

    internal sealed record PromptLogprobs(uint Start, IReadOnlyList<PromptTokenLogprobs> Judged) : GenerationEvent;

    internal sealed record Finished(
        ChatFinishReason Reason, uint? StopTokenId, uint CompletionTokens, uint CachedTokens, TimeSpan Queue, TimeSpan Prefill,
        TimeSpan Decode, ulong Seed)
        : GenerationEvent;

    internal sealed record Failed(ChatError Error) : GenerationEvent;
}
