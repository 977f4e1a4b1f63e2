using System.Globalization;

namespace Parley.Generator.Machine;

/// <summary>What of the machine this process may use: defaults of threads and memory follow from it.</summary>
/// <param name="Processors">Processors that the runtime counts: affinity, and a quota rounded up.</param>
/// <param name="Cores">Physical cores of those processors: two hyper-threads share the vector units.</param>
/// <param name="Groups">What the control groups allow.</param>
/// <param name="MachineBytes">Memory of the machine.</param>
/// <param name="AvailableBytes">What of it is free or can be dropped; null where nobody says.</param>
internal sealed record ProcessLimits(int Processors, int Cores, ControlGroupLimits Groups, long MachineBytes, long? AvailableBytes)
{
    private static readonly Lazy<ProcessLimits> Read = new(() =>
        ReadFrom("/", Environment.ProcessorCount, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));

    /// <summary>Those of this process, read once.</summary>
    public static ProcessLimits Current => Read.Value;

    /// <summary>Memory that this process may use, in bytes: the machine's, or less by a control group.</summary>
    public long MemoryBytes => Groups.MemoryBytes is { } limit ? Math.Min(limit, MachineBytes) : MachineBytes;

    /// <summary>Who says so.</summary>
    public string MemorySource => Groups.MemoryBytes < MachineBytes ? Groups.MemoryFile! : "the machine's memory";

    /// <summary>
    /// Threads of a model step where nobody says: one per core, and no more than a quota gives time for. A part of a processor counts
    /// from a half up: under 1.5 two threads do half as much again as one and stand still for a quarter of the time; under 1.2 they would
    /// do a fifth more, stand still for two fifths, and leave the services nothing.
    /// </summary>
    public int Threads => Math.Clamp(
        Groups.Processors is { } quota ? Math.Min(Cores, (int)Math.Round(quota, MidpointRounding.AwayFromZero)) : Cores,
        1, Math.Max(1, Processors));

    /// <summary>Reads them.</summary>
    /// <param name="root">The root folder; tests give another.</param>
    /// <param name="processors">Processors that the runtime counts.</param>
    /// <param name="fallbackBytes">Memory where the system does not tell its own.</param>
    public static ProcessLimits ReadFrom(string root, int processors, long fallbackBytes)
    {
        if (!OperatingSystem.IsLinux())
            return new ProcessLimits(processors, processors, ControlGroupLimits.None, fallbackBytes, null);
        var memory = Lines(Path.Combine(root, "proc/meminfo"));
        return new ProcessLimits(
            processors, CountCores(root, processors), ControlGroupLimits.Read(root), Kilobytes(memory, "MemTotal:") ?? fallbackBytes,
            Kilobytes(memory, "MemAvailable:"));
    }

    /// <summary>Physical cores among the processors that the process may run on; never more than those, never less than 1.</summary>
    private static int CountCores(string root, int processors)
    {
        var allowed = Lines(Path.Combine(root, "proc/self/status"))
            .Where(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal))
            .Select(line => ParseList(line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..])).FirstOrDefault();
        // One line per core lists the processors that share it, and every one of them has the same line.
        var cores = new HashSet<string>(StringComparer.Ordinal);
        var folder = Path.Combine(root, "sys/devices/system/cpu");
        foreach (var cpu in Directory.Exists(folder) ? Directory.EnumerateDirectories(folder, "cpu*") : [])
        {
            if (!int.TryParse(Path.GetFileName(cpu)[3..], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                || allowed?.Contains(number) == false)
                continue;
            if (Lines(Path.Combine(cpu, "topology", "thread_siblings_list")) is [var siblings, ..])
                cores.Add(siblings.Trim());
        }

        return Math.Clamp(cores.Count == 0 ? processors : cores.Count, 1, Math.Max(1, processors));
    }

    /// <summary>Numbers of a list such as <c>0-3,8</c>; null where it is none.</summary>
    private static HashSet<int>? ParseList(string text)
    {
        var numbers = new HashSet<int>();
        foreach (var part in text.Trim().Split(','))
        {
            var ends = part.Split('-').Select(end => int.TryParse(
                end, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1).ToArray();
            if (ends is not [>= 0] and not [>= 0, >= 0] || ends[^1] < ends[0] || ends[^1] > 1 << 16)
                return null;
            numbers.UnionWith(Enumerable.Range(ends[0], ends[^1] - ends[0] + 1));
        }

        return numbers;
    }

    private static long? Kilobytes(string[] lines, string name)
    {
        var words = lines.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words is [_, var number, ..] && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var kilobytes)
            ? kilobytes * 1024 : null;
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
