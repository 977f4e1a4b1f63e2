namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>Divides memory into arrays, each on a cache line of its own. From address 0 it measures what is needed.</summary>
internal unsafe struct MemoryCursor(byte* start)
{
    private const nuint AlignmentBytes = 64;

    private byte* _next = start;

    /// <summary>Address behind the last array.</summary>
    public readonly long Position => (long)_next;

    public T* Take<T>(long count)
        where T : unmanaged
    {
        var taken = _next;
        _next = (byte*)(((nuint)(_next + (count * sizeof(T))) + AlignmentBytes - 1) & ~(AlignmentBytes - 1));
        return (T*)taken;
    }
}
