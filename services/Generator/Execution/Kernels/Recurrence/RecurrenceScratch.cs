namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>Pinned working memory of one thread; grows to the largest size asked for and stays.</summary>
internal static unsafe class RecurrenceScratch
{
    private const int AlignmentBytes = 64;

    [ThreadStatic]
    private static byte[]? _head;

    /// <summary>Memory for one head, aligned to cache lines.</summary>
    public static float* Head(int count)
    {
        var bytes = (count * sizeof(float)) + AlignmentBytes;
        if (_head is null || _head.Length < bytes)
            _head = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);

        // The array is pinned for its lifetime, so the address outlives the fixed statement.
        fixed (byte* start = _head)
            return (float*)(((nuint)start + AlignmentBytes - 1) & ~(nuint)(AlignmentBytes - 1));
    }
}
