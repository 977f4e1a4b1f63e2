using System.Runtime.InteropServices;

namespace Parley.Generator.Execution.Kernels.Rows;

/// <summary>Tells the system how a part of a mapped file is read.</summary>
internal static partial class MappedRows
{
    /// <summary>Below this length reading ahead costs nothing.</summary>
    private const long BytesMin = 1 << 20;

    private const int Random = 1;

    /// <summary>
    /// What lies around a row is not read with it: else each would bring in some hundred kilobytes. Advice only; elsewhere than on Linux,
    /// and where the system declines, nothing is lost but memory that it may take back.
    /// </summary>
    public static unsafe void ReadSparsely(void* start, long bytes)
    {
        if (bytes < BytesMin || !OperatingSystem.IsLinux())
            return;
        var page = (nuint)Environment.SystemPageSize;
        var first = ((nuint)start + page - 1) / page * page;
        _ = Advise(first, (nuint)start + (nuint)bytes - first, Random);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(nuint start, nuint length, int advice);
}
