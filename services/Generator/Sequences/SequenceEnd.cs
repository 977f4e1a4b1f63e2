namespace Parley.Generator.Sequences;

/// <summary>The one ending of a sequence: either <see cref="Finish"/> or <see cref="Failure"/> is set.</summary>
/// <param name="Finish">Why it is complete.</param>
/// <param name="Failure">Why it is not.</param>
/// <param name="StopTokenId">The eos or stop id that completed it; also the last id delivered.</param>
/// <param name="Message">For a failure, what the caller is told.</param>
/// <param name="Retryable">The same request may succeed later or elsewhere.</param>
/// <param name="Usage">Tokens.</param>
/// <param name="Timings">Time by phase.</param>
internal sealed record SequenceEnd(
    FinishReason? Finish,
    FailureReason? Failure,
    uint? StopTokenId,
    string Message,
    bool Retryable,
    SequenceUsage Usage,
    SequenceTimings Timings);
