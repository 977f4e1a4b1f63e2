using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Parley.Benchmarks.Guides;

/// <summary>
/// The clock that masks are timed by: the wall's, or what this thread has had of a processor (Linux), which others on the machine touch
/// less.
/// </summary>
/// <param name="countsProcessor">The latter.</param>
internal sealed partial class MaskClock(bool countsProcessor)
{
    private const int ThreadProcessorTime = 3;

    /// <summary>What the clock is called.</summary>
    public string Name => countsProcessor ? "processor time of the thread" : "wall clock";

    /// <summary>Microseconds since some beginning.</summary>
    public double Microseconds
    {
        get
        {
            if (!countsProcessor)
                return Stopwatch.GetTimestamp() * (1e6 / Stopwatch.Frequency);
            if (ReadClock(ThreadProcessorTime, out var time) != 0)
                throw new NotSupportedException("This system does not tell a thread's processor time.");
            return (time.Seconds * 1e6) + (time.Nanoseconds / 1e3);
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ReadClock(int clock, out ClockTime time);

    [StructLayout(LayoutKind.Sequential)]
    private struct ClockTime
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
