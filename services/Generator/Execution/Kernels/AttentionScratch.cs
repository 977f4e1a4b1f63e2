namespace Parley.Generator.Execution.Kernels;

/// <summary>Pinned working memory of one thread; grows to the largest size asked for and stays.</summary>
internal static unsafe class AttentionScratch
{
    private const int AlignmentBytes = 64;

    [ThreadStatic]
    private static byte[]? _units;

    [ThreadStatic]
    private static byte[]? _splits;

    [ThreadStatic]
    private static byte[]? _partials;

    [ThreadStatic]
    private static byte[]? _tile;

    /// <summary>Memory for the units of a call, valid until the thread plans the next one; so are the next two.</summary>
    public static AttentionUnit* Units(int count) => (AttentionUnit*)Reserve(ref _units, (long)count * sizeof(AttentionUnit));

    public static AttentionSplit* Splits(int count) => (AttentionSplit*)Reserve(ref _splits, (long)count * sizeof(AttentionSplit));

    public static float* Partials(long count) => (float*)Reserve(ref _partials, count * sizeof(float));

    /// <summary>Memory for one unit, aligned to cache lines.</summary>
    public static float* Tile(int count) => (float*)Reserve(ref _tile, (long)count * sizeof(float));

    private static byte* Reserve(ref byte[]? buffer, long bytes)
    {
        // Half as much again: a context that grows by a token per step must not allocate in each.
        if (buffer is null || buffer.Length < bytes + AlignmentBytes)
        {
            var length = Math.Max(bytes + (bytes / 2) + AlignmentBytes, 16 * 1024);
            buffer = GC.AllocateUninitializedArray<byte>(checked((int)length), pinned: true);
        }

        // The array is pinned for its lifetime, so the address outlives the fixed statement.
        fixed (byte* start = buffer)
            return (byte*)(((nuint)start + AlignmentBytes - 1) & ~(nuint)(AlignmentBytes - 1));
    }
}
