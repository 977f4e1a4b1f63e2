namespace Parley.Generator.Admission;

/// <summary>The answer to a request that asks to be queued.</summary>
internal enum AdmissionResult
{
    Accepted,

    /// <summary>The queue holds as many requests or prompt tokens as it may.</summary>
    Overloaded,

    /// <summary>What waits already takes longer than the caller does.</summary>
    TooLate,

    /// <summary>The service finishes what it has and takes nothing new.</summary>
    Draining,

    /// <summary>Too many steps failed; the process must be restarted.</summary>
    Unhealthy,
}
