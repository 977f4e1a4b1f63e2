using System.Diagnostics;
using System.Numerics;

namespace Parley.Benchmarks;

/// <summary>What memory gives to loops that do nothing but read it.</summary>
internal static class BandwidthProbe
{
    private const int ReadBytes = 512 << 20;

    private static readonly byte[] Memory = Fill();

    /// <summary>Bytes that a turn reads.</summary>
    public static long TurnBytes => Memory.Length;

    /// <summary>GB/s of plain loops that read memory on all threads: the best of some runs.</summary>
    public static double Measure(int threads)
    {
        var best = double.MaxValue;
        for (var i = 0; i < 6; i++)
        {
            var start = Stopwatch.GetTimestamp();
            Read(threads);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return ReadBytes / best / 1e9;
    }

    /// <summary>One such run.</summary>
    public static void Read(int threads) =>
        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, thread =>
        {
            if (Sum(Memory.AsSpan(thread * (ReadBytes / threads), ReadBytes / threads)) == 0)
                throw new InvalidOperationException("the memory was not read");
        });

    private static byte[] Fill()
    {
        var memory = new byte[ReadBytes];
        Array.Fill(memory, (byte)1);
        return memory;
    }

    private static long Sum(ReadOnlySpan<byte> memory)
    {
        var (a, b, c, d) = (Vector<long>.Zero, Vector<long>.Zero, Vector<long>.Zero, Vector<long>.Zero);
        var longs = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Vector<long>>(memory);
        for (var i = 0; i + 4 <= longs.Length; i += 4)
        {
            a += longs[i];
            b += longs[i + 1];
            c += longs[i + 2];
            d += longs[i + 3];
        }

        return Vector.Sum(a + b + c + d);
    }
}
