using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Parley.Cli.Bench;

/// <summary>
/// How fast this machine reads memory, all cores together: what bounds a decode step, which reads every weight once. Each thread sums
/// the words of a buffer of its own that no cache holds; the best of some passes counts, as others may use the machine too.
/// </summary>
internal static unsafe class BandwidthProbe
{
    private const long BufferBytes = 256L * 1024 * 1024;
    private const int Passes = 6;

    /// <summary>Bytes per second.</summary>
    /// <param name="threads">Threads that read at once.</param>
    public static double Measure(int threads)
    {
        var buffers = new void*[threads];
        try
        {
            for (var i = 0; i < threads; i++)
            {
                buffers[i] = NativeMemory.AlignedAlloc((nuint)BufferBytes, 64);
                // Pages that were never written are all one page of zeros.
                new Span<byte>(buffers[i], (int)BufferBytes).Fill((byte)(i + 1));
            }

            var best = 0.0;
            for (var pass = 0; pass < Passes; pass++)
            {
                var started = Stopwatch.GetTimestamp();
                Read(buffers);
                best = Math.Max(best, threads * BufferBytes / Stopwatch.GetElapsedTime(started).TotalSeconds);
            }

            return best;
        }
        finally
        {
            foreach (var buffer in buffers)
                NativeMemory.AlignedFree(buffer);
        }
    }

    private static void Read(void*[] buffers)
    {
        var readers = new Thread[buffers.Length - 1];
        for (var i = 0; i < readers.Length; i++)
        {
            var buffer = (nint)buffers[i + 1];
            readers[i] = new Thread(() => Sum((void*)buffer));
            readers[i].Start();
        }

        Sum(buffers[0]);
        foreach (var reader in readers)
            reader.Join();
    }

    private static long Sum(void* buffer)
    {
        var (one, two, three, four) = (Vector<long>.Zero, Vector<long>.Zero, Vector<long>.Zero, Vector<long>.Zero);
        var word = (long*)buffer;
        var end = word + (BufferBytes / sizeof(long));
        for (; word < end; word += 4 * Vector<long>.Count)
        {
            one += Vector.LoadAligned(word);
            two += Vector.LoadAligned(word + Vector<long>.Count);
            three += Vector.LoadAligned(word + (2 * Vector<long>.Count));
            four += Vector.LoadAligned(word + (3 * Vector<long>.Count));
        }

        return Vector.Sum(one + two + three + four);
    }
}
