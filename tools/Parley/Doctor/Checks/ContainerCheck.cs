using System.Globalization;
using Parley.Cli.Doctor.Machine;

namespace Parley.Cli.Doctor.Checks;

/// <summary>What control groups allow, and what the Generator's defaults make of it.</summary>
internal static class ContainerCheck
{
    private const string Name = "container";
    private const double UsedShareMax = 0.9;

    public static IEnumerable<Finding> Of(MachineState state)
    {
        var (limits, groups) = (state.Limits, state.Limits.Groups);
        var threads = state.Options.Threads > 0 ? state.Options.Threads : limits.Threads;
        var cores = $"{limits.Cores} cores";
        if (groups.Processors is not { } quota)
        {
            yield return threads > limits.Cores
                ? Finding.Warning(Name, $"no quota of processor time; {cores}, and Generator:Threads is {threads}",
                    $"set Generator:Threads to at most {limits.Cores}, or leave it out: more threads than cores wait for each other")
                : Finding.Ok(Name, $"no quota of processor time; {cores}: {threads} threads");
        }
        else
        {
            yield return OfQuota(quota, $"{Number(quota)} processors ({groups.ProcessorsFile}); {cores}: {threads} threads", threads);
        }

        if (groups.MemoryBytes is not { } memory)
        {
            yield return Finding.Ok(Name, "no limit of memory");
        }
        else
        {
            var used = groups.MemoryUsedBytes is { } bytes ? $", {bytes >> 20} MB of it used" : "";
            var fact = $"memory up to {memory >> 20} MB ({groups.MemoryFile}){used}";
            yield return groups.MemoryUsedBytes > memory * UsedShareMax
                ? Finding.Warning(Name, fact, "raise the limit, or stop what else runs in this container: beyond it the process is killed")
                : Finding.Ok(Name, fact);
        }
    }

    private static Finding OfQuota(double quota, string fact, int threads)
    {
        if (quota < 1)
            return Finding.Warning(Name, fact,
                "give it a whole processor or more: with less, every step stands still for a part of its time");
        if (threads > Math.Ceiling(quota))
        {
            return Finding.Warning(
                Name, fact, $"set Generator:Threads to {(int)quota}, or leave it out: what is more than the quota makes all threads wait");
        }

        return Math.Abs(quota - Math.Round(quota)) > 0.01
            ? Finding.Warning(Name, fact,
                $"give it a whole number of processors, e.g. {Number(Math.Ceiling(quota))}: a part makes steps stand still")
            : Finding.Ok(Name, fact);
    }

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
