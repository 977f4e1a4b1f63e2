namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>What a thread's sessions have read of experts' weights, counted where it is read: for tests and benchmarks.</summary>
internal static class ExpertReads
{
    /// <summary>Bytes of codes, scales and minima, or of floats, since the thread began.</summary>
    [field: ThreadStatic]
    public static long Bytes { get; private set; }

    public static void Add(long bytes) => Bytes += bytes;
}
