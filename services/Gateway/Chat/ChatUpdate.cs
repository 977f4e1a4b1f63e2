namespace Parley.Gateway.Chat;

/// <summary>
/// What happens to a request, in order: <see cref="Accepted"/> first, one <see cref="ChoiceFinished"/> per choice, and exactly one
/// of <see cref="Completed"/> and <see cref="Failed"/> last.
/// </summary>
internal abstract record ChatUpdate
{
    /// <summary>Every choice was admitted by the Generator; from here on a fault is a <see cref="Failed"/>.</summary>
    internal sealed record Accepted(string RequestId, string Model, uint PromptTokens, RenderedPrompt? Rendered) : ChatUpdate
    {
        /// <summary>Formats that the guide's schema names and nobody defines: they assert nothing.</summary>
        public IReadOnlyList<string> UnassertedFormats { get; init; } = [];

        /// <summary>The prompt's ids.</summary>
        public IReadOnlyList<uint> PromptIds { get; init; } = [];

        /// <summary>Messages that went because the prompt did not fit.</summary>
        public int MessagesDropped { get; init; }
    }

    /// <summary>A choice waits in the queue or is in prefill.</summary>
    internal sealed record Progress(uint Choice, uint QueuePosition, uint PromptTokensDone) : ChatUpdate;

    /// <summary>New content of a choice, never to be taken back, with the ids behind it and behind what is still held back.</summary>
    internal sealed record Delta(
        uint Choice, string Text, ReadOnlyMemory<uint> Ids, IReadOnlyList<TokenLogprobs> Logprobs, IReadOnlyList<TokenTrace> Traces)
        : ChatUpdate
    {
        /// <summary>New text of what the model thinks before it answers.</summary>
        public string Reasoning { get; init; } = "";

        /// <summary>News of calls, in their order.</summary>
        public IReadOnlyList<ChatCallDelta> Calls { get; init; } = [];

        /// <summary>There is something for a reader of the answer in it.</summary>
        public bool TellsSomething => Text.Length > 0 || Reasoning.Length > 0 || Calls.Count > 0;

        /// <summary>The pieces of ids that no delta before has named, where the request wants them.</summary>
        public IReadOnlyList<TokenPiece> Pieces { get; init; } = [];
    }

    /// <summary>What the model thought of some tokens of the prompt, in their order.</summary>
    internal sealed record PromptLogprobs(uint Start, IReadOnlyList<uint> Ids, IReadOnlyList<PromptTokenLogprobs> Tokens) : ChatUpdate
    {
        /// <summary>The pieces of ids that nothing before has named, where the request wants them.</summary>
        public IReadOnlyList<TokenPiece> Pieces { get; init; } = [];
    }

    /// <summary>A choice ended.</summary>
    /// <param name="Choice">Which one.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="Stop">The stop string that ended it, if one did.</param>
    /// <param name="StopTokenId">The eos or stop id that ended it, if one did.</param>
    /// <param name="Seed">The seed that was used; 0 where the Generator drew one and was cancelled by a stop string.</param>
    internal sealed record ChoiceFinished(uint Choice, ChatFinishReason Reason, string? Stop, uint? StopTokenId, ulong Seed) : ChatUpdate;

    /// <summary>All choices ended.</summary>
    internal sealed record Completed(ChatUsage Usage, ChatTimings Timings) : ChatUpdate;

    /// <summary>The request was lost after it had been accepted.</summary>
    internal sealed record Failed(ChatError Error) : ChatUpdate;
}
