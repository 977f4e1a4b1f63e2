namespace Parley.Generator.Machine;

/// <summary>
/// How many cores this process may use: two hyper-threads share the vector units, so a second one per core gains nothing.
/// </summary>
internal static class ProcessorTopology
{
    /// <summary>Physical cores that this process may run on, as far as its quota goes; never less than 1.</summary>
    public static int PhysicalCores { get; } = ProcessLimits.Current.Threads;
}
