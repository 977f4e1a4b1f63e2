namespace Parley.Generator.Sequences;

/// <summary>Where a sequence stands. <c>Queued → Running ⇄ Preempted → Ended</c>; any of the first three may end at once.</summary>
internal enum SequenceStatus
{
    /// <summary>Accepted; no step has worked on it.</summary>
    Queued,

    /// <summary>Holds blocks and takes part in steps.</summary>
    Running,

    /// <summary>Gave its blocks back and waits to be computed again from its tokens.</summary>
    Preempted,

    /// <summary>Has its one <see cref="SequenceEnd"/> and holds nothing.</summary>
    Ended,
}
