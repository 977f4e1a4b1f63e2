namespace Parley.Generator.Execution.Kernels;

/// <summary>Pinned working memory of one thread; grows to the largest size asked for and stays.</summary>
internal static unsafe class AttentionScratch
{
    private const int AlignmentBytes = 64;

    [ThreadStatic]
    private static byte[]? _units;

    [ThreadStatic]
    private static byte[]? _tile;

    /// <summary>Memory for the plan of a call, valid until the thread plans the next one.</summary>
    public static int* Units(int count) => (int*)Reserve(ref _units, count * sizeof(int));

    /// <summary>Memory for one tile, aligned to cache lines.</summary>
    public static float* Tile(int count) => (float*)Reserve(ref _tile, count * sizeof(float));

    private static byte* Reserve(ref byte[]? buffer, int bytes)
    {
        if (buffer is null || buffer.Length < bytes + AlignmentBytes)
            buffer = GC.AllocateUninitializedArray<byte>(Math.Max(bytes + AlignmentBytes, 64 * 1024), pinned: true);

        // The array is pinned for its lifetime, so the address outlives the fixed statement.
        fixed (byte* start = buffer)
            return (byte*)(((nuint)start + AlignmentBytes - 1) & ~(nuint)(AlignmentBytes - 1));
    }
}
