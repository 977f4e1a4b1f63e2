using System.ComponentModel;
using System.Diagnostics;

namespace Parley.Cli.Bench.Serve;

/// <summary>Processor time of other processes on this machine.</summary>
internal static class ProcessorTime
{
    /// <summary>User and kernel time of all of them together; null when there are none.</summary>
    /// <exception cref="UserErrorException">One of them does not run here.</exception>
    public static TimeSpan? Of(IReadOnlyList<int> processIds)
    {
        if (processIds.Count == 0)
            return null;
        var sum = TimeSpan.Zero;
        foreach (var id in processIds)
        {
            try
            {
                using var process = Process.GetProcessById(id);
                sum += process.TotalProcessorTime;
            }
            catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or Win32Exception)
            {
                throw new UserErrorException($"--server-pid: process {id} cannot be read ({exception.Message}).");
            }
        }

        return sum;
    }
}
