using System.Runtime.InteropServices;

namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>
/// One adapter in memory, for the linears of one session. It never changes; whoever disposes of it knows that no step reads it any more.
/// </summary>
internal sealed unsafe class AdapterWeights : IDisposable
{
    private const int AlignmentBytes = 64;

    private static long _lastIdentity;

    private void* _memory;

    /// <param name="linears">Linears of the session.</param>
    /// <param name="bytes">Bytes of all matrices and tables, each of them at a whole multiple of 64.</param>
    public AdapterWeights(int linears, long bytes)
    {
        var head = Aligned((long)linears * sizeof(AdapterMatrices));
        Bytes = head + bytes;
        _memory = NativeMemory.AlignedAlloc(checked((nuint)Bytes), AlignmentBytes);
        NativeMemory.Clear(_memory, (nuint)head);
        Linears = (AdapterMatrices*)_memory;
        Free = (byte*)_memory + head;
    }

    /// <summary>
    /// A number that no other adapter of this process has, from 1 on: what was computed with it is told from everything else by it, that
    /// of an earlier adapter of the same name included.
    /// </summary>
    public long Identity { get; } = Interlocked.Increment(ref _lastIdentity);

    /// <summary>Memory that it takes.</summary>
    public long Bytes { get; }

    /// <summary>What it adds to each linear of the session.</summary>
    public AdapterMatrices* Linears { get; private set; }

    /// <summary>Where what is taken next will lie.</summary>
    private byte* Free { get; set; }

    /// <summary>Bytes up to the next place where something may begin.</summary>
    public static long Aligned(long bytes) => (bytes + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;

    /// <summary>Takes memory for a matrix or a table.</summary>
    public byte* Take(long bytes)
    {
        var taken = Free;
        Free += Aligned(bytes);
        return Free <= (byte*)_memory + Bytes ? taken : throw new InvalidOperationException("An adapter is larger than it was measured.");
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        Linears = null;
    }
}
