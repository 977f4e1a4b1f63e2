namespace Parley.Generator.Sequences;

/// <summary>Why a sequence ended without being complete: one member per stage and party.</summary>
internal enum FailureReason
{
    /// <summary>The caller left. Nobody is told.</summary>
    Cancelled,

    /// <summary>A step that the sequence was part of threw.</summary>
    StepFailed,

    /// <summary>The service stops and the time for draining is over.</summary>
    ShuttingDown,

    /// <summary>The caller's deadline passed.</summary>
    DeadlineExceeded,

    /// <summary>The caller read too slowly for too long.</summary>
    SlowReader,

    /// <summary>The engine takes no more work: too many steps failed in a row, or its thread did.</summary>
    Unhealthy,

    /// <summary>The model's logits for this sequence are not numbers.</summary>
    ModelFault,

    /// <summary>The request's settings left no token to choose.</summary>
    NothingToChoose,

    /// <summary>A fault of ours in this sequence's own part of a step.</summary>
    Internal,
}
