using System.Globalization;

namespace Parley.Generator.Machine;

/// <summary>What the control groups of this process allow it, as containers and systemd units set them.</summary>
/// <param name="Processors">Processor time per time, e.g. 1.5; null is no quota.</param>
/// <param name="ProcessorsFile">The file that says so.</param>
/// <param name="MemoryBytes">Memory in bytes; null is no limit.</param>
/// <param name="MemoryFile">The file that says so.</param>
/// <param name="MemoryUsedBytes">What of it is used and cannot simply be dropped; null where nobody says.</param>
internal sealed record ControlGroupLimits(
    double? Processors, string? ProcessorsFile, long? MemoryBytes, string? MemoryFile, long? MemoryUsedBytes)
{
    /// <summary>Version 1 writes the largest number of whole pages where there is no limit; no machine has as much.</summary>
    private const long MemoryBytesMax = 1L << 60;

    private const string Unlimited = "max";

    public static ControlGroupLimits None { get; } = new(null, null, null, null, null);

    /// <summary>
    /// Reads the limits of both versions of control groups: those of the process's own group and of every one around it that can be
    /// seen, of which the tightest counts. What is missing or no number is no limit.
    /// </summary>
    /// <param name="root">The root folder; tests give another.</param>
    public static ControlGroupLimits Read(string root = "/")
    {
        var limits = None;
        foreach (var group in ControlGroup.Of(root))
        {
            // From the own group to the outermost: of equal limits the inner one is named.
            foreach (var folder in group.Folders)
                limits = group.IsUnified ? limits.WithUnified(folder, root) : limits.WithFirst(folder, root);
        }

        return limits;
    }

    private ControlGroupLimits WithUnified(string folder, string root)
    {
        var limits = this;
        var path = Path.Combine(folder, "cpu.max");
        if (Text(path)?.Split(' ') is [var quota, var period] && Number(quota) is { } time && Number(period) is { } per)
            limits = limits.WithQuota(time, per, path, root);
        // Above memory.high the kernel slows the process down until it holds less: nothing that a service should live with.
        foreach (var name in new[] { "memory.max", "memory.high" })
        {
            path = Path.Combine(folder, name);
            limits = limits.WithMemory(Number(Text(path)), path, root, () => Used(folder, "memory.current", "inactive_file"));
        }

        return limits;
    }

    private ControlGroupLimits WithFirst(string folder, string root)
    {
        var path = Path.Combine(folder, "cpu.cfs_quota_us");
        var limits = this;
        if (Number(Text(path)) is { } time && Number(Text(Path.Combine(folder, "cpu.cfs_period_us"))) is { } per)
            limits = limits.WithQuota(time, per, path, root);
        path = Path.Combine(folder, "memory.limit_in_bytes");
        return limits.WithMemory(
            Number(Text(path)), path, root, () => Used(folder, "memory.usage_in_bytes", "total_inactive_file"));
    }

    private ControlGroupLimits WithQuota(long time, long per, string path, string root)
    {
        var processors = (double)time / per;
        return time > 0 && per > 0 && (Processors is null || processors < Processors)
            ? this with { Processors = processors, ProcessorsFile = Shown(path, root) } : this;
    }

    private ControlGroupLimits WithMemory(long? bytes, string path, string root, Func<long?> used) =>
        bytes is >= 0 and < MemoryBytesMax && (MemoryBytes is null || bytes < MemoryBytes)
            ? this with { MemoryBytes = bytes, MemoryFile = Shown(path, root), MemoryUsedBytes = used() } : this;

    private static long? Used(string folder, string name, string droppable)
    {
        if (Number(Text(Path.Combine(folder, name))) is not { } bytes)
            return null;
        var line = Text(Path.Combine(folder, "memory.stat"))?.Split('\n')
            .FirstOrDefault(line => line.StartsWith(droppable + " ", StringComparison.Ordinal));
        return Math.Max(0, bytes - (Number(line?[(droppable.Length + 1)..]) ?? 0));
    }

    private static string Shown(string path, string root) => root == "/" ? path : "/" + Path.GetRelativePath(root, path);

    private static long? Number(string? text) =>
        text != Unlimited && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number : null;

    private static string? Text(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path).Trim() : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
