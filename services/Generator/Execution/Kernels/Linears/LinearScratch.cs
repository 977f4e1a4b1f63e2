namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// Quantised activations of a call: pinned memory of the thread that runs the session; grows to the largest size asked for and stays.
/// </summary>
internal static unsafe class LinearScratch
{
    private const int AlignmentBytes = 64;
    private const long BytesMin = 64 * 1024;

    [ThreadStatic]
    private static byte[]? _activations;

    [ThreadStatic]
    private static byte[]? _parameters;

    [ThreadStatic]
    private static byte[]? _experts;

    [ThreadStatic]
    private static byte[]? _adapted;

    /// <summary>Rows as adapters read them, and their products.</summary>
    public static float* Adapted(long count) => (float*)Reserve(ref _adapted, count * sizeof(float));

    /// <summary>All that a mixture of experts needs for a pass, as <c>ExpertMemory</c> divides it.</summary>
    public static byte* Experts(long bytes) => Reserve(ref _experts, bytes);

    public static sbyte* Activations(long count) => (sbyte*)Reserve(ref _activations, count);

    public static float* Parameters(long count) => (float*)Reserve(ref _parameters, count * sizeof(float));

    private static byte* Reserve(ref byte[]? buffer, long bytes)
    {
        if (buffer is null || buffer.Length < bytes + AlignmentBytes)
            buffer = GC.AllocateUninitializedArray<byte>(checked((int)Math.Max(bytes + AlignmentBytes, BytesMin)), pinned: true);

        // The array is pinned for its lifetime, so the address outlives the fixed statement.
        fixed (byte* start = buffer)
            return (byte*)(((nuint)start + AlignmentBytes - 1) & ~(nuint)(AlignmentBytes - 1));
    }
}
