namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>
/// What a thread's sessions have of experts' weights, and have read of them, counted where it is read: for tests and benchmarks.
/// </summary>
internal static class ExpertReads
{
    /// <summary>Bytes of codes, scales and minima, or of floats, since the thread began.</summary>
    [field: ThreadStatic]
    public static long Bytes { get; private set; }

    /// <summary>The same of all experts of the sessions that the thread has made.</summary>
    [field: ThreadStatic]
    public static long HeldBytes { get; private set; }

    public static void Hold(long bytes) => HeldBytes += bytes;

    public static void Add(long bytes) => Bytes += bytes;
}
