namespace Parley.Generator.Engine;

/// <summary>How a step ended.</summary>
internal enum StepOutcome
{
    /// <summary>No sequence is here.</summary>
    Idle,

    /// <summary>There are sequences and none can go on now: their readers are slow.</summary>
    Blocked,

    /// <summary>The model ran and its tokens are out.</summary>
    Completed,

    /// <summary>The step threw; the sequences in it have failed and the others go on.</summary>
    Failed,

    /// <summary>As <see cref="Failed"/>, once too often in a row: every sequence has failed and nothing is accepted any more.</summary>
    Unhealthy,
}
