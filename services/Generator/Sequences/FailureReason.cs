namespace Parley.Generator.Sequences;

/// <summary>Why a sequence ended without being complete: one member per stage and party.</summary>
internal enum FailureReason
{
    /// <summary>The caller left. Nobody is told.</summary>
    Cancelled,

    /// <summary>A step that the sequence was part of threw, or gave logits that are not numbers.</summary>
    StepFailed,

    /// <summary>The service stops and the time for draining is over.</summary>
    ShuttingDown,

    /// <summary>The caller's deadline passed.</summary>
    DeadlineExceeded,

    /// <summary>The caller read too slowly for too long.</summary>
    SlowReader,

    /// <summary>Too many steps failed in a row.</summary>
    Unhealthy,
}
