using Parley.Generator.Machine;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Machine;

/// <summary>Defaults that follow from what a process may use.</summary>
public sealed class ProcessLimitsTests
{
    private const long Gigabyte = 1L << 30;

    [Theory]
    [InlineData(8, 8, null, 8)]
    [InlineData(8, 4, null, 4)]
    [InlineData(1, 8, 0.5, 1)]
    [InlineData(1, 8, 0.1, 1)]
    [InlineData(2, 8, 1.2, 1)]
    [InlineData(2, 8, 1.5, 2)]
    [InlineData(3, 8, 2.5, 3)]
    [InlineData(4, 8, 4.0, 4)]
    [InlineData(16, 4, 12.0, 4)]
    public void Threads_ByDefault_FollowCoresAndQuota(int processors, int cores, double? quota, int expected)
    {
        var groups = ControlGroupLimits.None with { Processors = quota };

        Assert.Equal(expected, new ProcessLimits(processors, cores, groups, Gigabyte, null).Threads);
    }

    [Fact]
    public void Cores_OfHyperThreads_CountOnce()
    {
        using var root = new FakeRoot();
        for (var number = 0; number < 8; number++)
            root.WithProcessor(number, $"{number % 4},{(number % 4) + 4}");

        Assert.Equal(4, Read(root, 8).Cores);
    }

    [Theory]
    [InlineData("0-3", 4, 4)]
    [InlineData("0,4", 2, 1)]
    [InlineData("0-1,4-5", 4, 2)]
    [InlineData("7", 1, 1)]
    public void Cores_UnderAffinity_AreThoseOfTheProcessorsAllowed(string allowed, int processors, int expected)
    {
        // A pinned container still sees every processor of the machine.
        using var root = new FakeRoot();
        for (var number = 0; number < 8; number++)
            root.WithProcessor(number, $"{number % 4},{(number % 4) + 4}");
        root.With("proc/self/status", $"Name:\tx\nCpus_allowed_list:\t{allowed}\nMems_allowed:\t1\n");

        Assert.Equal(expected, Read(root, processors).Cores);
    }

    [Theory]
    [InlineData("")]
    [InlineData("all of them")]
    [InlineData("3-1")]
    public void Cores_OfAListThatIsNone_AreAllThatAreThere(string allowed)
    {
        using var root = new FakeRoot();
        root.WithProcessor(0, "0").WithProcessor(1, "1").With("proc/self/status", $"Cpus_allowed_list:\t{allowed}\n");

        Assert.Equal(2, Read(root, 4).Cores);
    }

    [Fact]
    public void Cores_NothingKnown_AreTheProcessors()
    {
        using var root = new FakeRoot();

        Assert.Equal(3, Read(root, 3).Cores);
    }

    [Fact]
    public void Memory_WithoutALimit_IsTheMachines()
    {
        using var root = new FakeRoot();
        root.With("proc/meminfo", "MemTotal:       16777216 kB\nMemFree: 1 kB\nMemAvailable:    8388608 kB\n");

        var limits = Read(root, 2);

        Assert.Equal((16 * Gigabyte, "the machine's memory"), (limits.MemoryBytes, limits.MemorySource));
        Assert.Equal(8 * Gigabyte, limits.AvailableBytes);
    }

    [Theory]
    [InlineData("2147483648", 2, "/sys/fs/cgroup/memory.max")]
    [InlineData("99999999999", 16, "the machine's memory")]
    public void Memory_UnderALimit_IsTheSmaller(string limit, int gigabytes, string source)
    {
        using var root = new FakeRoot();
        root.With("proc/meminfo", "MemTotal:       16777216 kB\n").WithUnified("/").With("sys/fs/cgroup/memory.max", limit);

        var limits = Read(root, 2);

        Assert.Equal((gigabytes * Gigabyte, source), (limits.MemoryBytes, limits.MemorySource));
    }

    [Fact]
    public void Memory_NothingKnown_IsWhatTheRuntimeSays()
    {
        using var root = new FakeRoot();
        root.With("proc/meminfo", "MemTotal: much\n");

        Assert.Equal(7, ProcessLimits.ReadFrom(root.Path, 1, 7).MemoryBytes);
    }

    private static ProcessLimits Read(FakeRoot root, int processors)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells its limits in files.");
        return ProcessLimits.ReadFrom(root.Path, processors, Gigabyte);
    }
}
