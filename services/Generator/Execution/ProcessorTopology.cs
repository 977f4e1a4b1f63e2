namespace Parley.Generator.Execution;

/// <summary>
/// How many cores this process may use: two hyper-threads share the vector units, so a second one per core gains nothing.
/// </summary>
internal static class ProcessorTopology
{
    /// <summary>
    /// Physical cores on Linux; elsewhere the processors that the runtime counts. Never more than those, never less than 1.
    /// </summary>
    public static int PhysicalCores { get; } = Math.Clamp(CountCores(), 1, Environment.ProcessorCount);

    private static int CountCores()
    {
        if (!OperatingSystem.IsLinux())
            return Environment.ProcessorCount;
        try
        {
            // One line per core lists the processors that share it, and every one of them has the same line.
            var cores = new HashSet<string>(StringComparer.Ordinal);
            foreach (var folder in Directory.EnumerateDirectories("/sys/devices/system/cpu", "cpu*"))
            {
                var path = Path.Combine(folder, "topology", "thread_siblings_list");
                if (File.Exists(path))
                    cores.Add(File.ReadAllText(path).Trim());
            }

            return cores.Count == 0 ? Environment.ProcessorCount : cores.Count;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Environment.ProcessorCount;
        }
    }
}
