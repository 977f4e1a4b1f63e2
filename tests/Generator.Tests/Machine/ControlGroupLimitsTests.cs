using Parley.Generator.Machine;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Machine;

/// <summary>Both versions of control groups, as containers, systemd and plain machines lay them out.</summary>
public sealed class ControlGroupLimitsTests
{
    private const long Megabyte = 1 << 20;

    private static ControlGroupLimits Read(Action<FakeRoot> build)
    {
        using var root = new FakeRoot();
        build(root);
        return ControlGroupLimits.Read(root.Path);
    }

    [Fact]
    public void Read_NothingThere_IsNoLimit() => Assert.Equal(ControlGroupLimits.None, Read(_ => { }));

    [Fact]
    public void Read_UnifiedInAContainer_IsItsOwnGroup()
    {
        var limits = Read(root => root.WithUnified("/")
            .With("sys/fs/cgroup/cpu.max", "150000 100000\n")
            .With("sys/fs/cgroup/memory.max", "536870912\n")
            .With("sys/fs/cgroup/memory.current", "104857600\n")
            .With("sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 41943040\nactive_file 2\n"));

        Assert.Equal(1.5, limits.Processors);
        Assert.Equal("/sys/fs/cgroup/cpu.max", limits.ProcessorsFile);
        Assert.Equal(512 * Megabyte, limits.MemoryBytes);
        Assert.Equal("/sys/fs/cgroup/memory.max", limits.MemoryFile);
        // What the kernel can drop at once does not count.
        Assert.Equal(60 * Megabyte, limits.MemoryUsedBytes);
    }

    [Fact]
    public void Read_UnifiedNested_IsTheTightestOfAll()
    {
        var limits = Read(root => root.WithUnified("/system.slice/parley.service")
            .With("sys/fs/cgroup/system.slice/parley.service/cpu.max", "400000 100000\n")
            .With("sys/fs/cgroup/system.slice/parley.service/memory.max", "max\n")
            .With("sys/fs/cgroup/system.slice/cpu.max", "50000 100000\n")
            .With("sys/fs/cgroup/system.slice/memory.max", "1073741824\n"));

        Assert.Equal(0.5, limits.Processors);
        Assert.Equal("/sys/fs/cgroup/system.slice/cpu.max", limits.ProcessorsFile);
        Assert.Equal(1024 * Megabyte, limits.MemoryBytes);
        Assert.Equal("/sys/fs/cgroup/system.slice/memory.max", limits.MemoryFile);
        Assert.Null(limits.MemoryUsedBytes);
    }

    [Fact]
    public void Read_UnifiedThrottle_CountsAsALimit()
    {
        var limits = Read(root => root.WithUnified("/")
            .With("sys/fs/cgroup/memory.max", "2147483648\n").With("sys/fs/cgroup/memory.high", "1073741824\n"));

        Assert.Equal((1024 * Megabyte, "/sys/fs/cgroup/memory.high"), (limits.MemoryBytes!.Value, limits.MemoryFile));
    }

    [Fact]
    public void Read_UnifiedWithoutLimits_IsNone() => Assert.Equal(ControlGroupLimits.None, Read(root => root.WithUnified("/")
        .With("sys/fs/cgroup/cpu.max", "max 100000\n")
        .With("sys/fs/cgroup/memory.max", "max\n")
        .With("sys/fs/cgroup/memory.high", "max\n")));

    [Fact]
    public void Read_FirstVersionOfAPod_IsFoundUnderTheMount()
    {
        // Without a namespace of its own a container sees its path as outside, and its own group mounted as the outermost.
        var limits = Read(root => root
            .With("proc/self/cgroup", "9:name=systemd:/kubepods/pod1/c1\n4:memory:/kubepods/pod1/c1\n2:cpu,cpuacct:/kubepods/pod1/c1\n")
            .With("proc/self/mountinfo",
                "35 31 0:32 /kubepods/pod1/c1 /sys/fs/cgroup/memory ro,relatime master:12 - cgroup cgroup rw,memory\n"
                + "32 31 0:29 /kubepods/pod1/c1 /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n")
            .With("sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n")
            .With("sys/fs/cgroup/memory/memory.usage_in_bytes", "209715200\n")
            .With("sys/fs/cgroup/memory/memory.stat", "total_inactive_file 104857600\n")
            .With("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n")
            .With("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"));

        Assert.Equal(2.5, limits.Processors);
        Assert.Equal(256 * Megabyte, limits.MemoryBytes);
        Assert.Equal(100 * Megabyte, limits.MemoryUsedBytes);
    }

    [Fact]
    public void Read_FirstVersionWithoutLimits_IsNone() => Assert.Equal(ControlGroupLimits.None, Read(root => root
        .With("proc/self/cgroup", "4:memory:/\n1:cpu:/\n0::/\n")
        .With("proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
            + "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
            + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n")
        .With("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
        .With("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n").With("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")));

    [Fact]
    public void Read_OuterGroupOfTheFirstVersion_CountsToo()
    {
        var limits = Read(root => root
            .With("proc/self/cgroup", "4:memory:/a/b\n")
            .With("proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")
            .With("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n")
            .With("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1048576\n"));

        Assert.Equal((Megabyte, "/sys/fs/cgroup/memory/a/memory.limit_in_bytes"), (limits.MemoryBytes!.Value, limits.MemoryFile));
    }

    [Theory]
    [InlineData("/../../elsewhere")]
    [InlineData("/gone/long/ago")]
    [InlineData("/")]
    public void Read_GroupOutOfSight_IsTheMount(string path)
    {
        var limits = Read(root => root.WithUnified(path).With("sys/fs/cgroup/memory.max", "1048576\n"));

        Assert.Equal(Megabyte, limits.MemoryBytes);
    }

    [Fact]
    public void Read_MountPointWithABlank_IsFound()
    {
        var limits = Read(root => root.With("proc/self/cgroup", "0::/\n")
            .With("proc/self/mountinfo", "31 23 0:28 / /mnt/my\\040groups rw - cgroup2 none rw\n")
            .With("mnt/my groups/memory.max", "1048576\n"));

        Assert.Equal((Megabyte, "/mnt/my groups/memory.max"), (limits.MemoryBytes!.Value, limits.MemoryFile));
    }

    [Theory]
    [InlineData("")]
    [InlineData("many")]
    [InlineData("-5 100000")]
    [InlineData("100000 0")]
    [InlineData("99999999999999999999 100000")]
    [InlineData("100000")]
    public void Read_QuotaThatIsNone_IsNoLimit(string text) =>
        Assert.Null(Read(root => root.WithUnified("/").With("sys/fs/cgroup/cpu.max", text)).Processors);

    [Theory]
    [InlineData("")]
    [InlineData("lots")]
    [InlineData("-1")]
    [InlineData("99999999999999999999")]
    public void Read_MemoryThatIsNone_IsNoLimit(string text) =>
        Assert.Null(Read(root => root.WithUnified("/").With("sys/fs/cgroup/memory.max", text)).MemoryBytes);

    [Theory]
    [InlineData("no line of this kind")]
    [InlineData("1 2 3 4 5 6 - cgroup2")]
    [InlineData("- cgroup2 cgroup2 rw")]
    public void Read_MountsThatAreNone_AreLeftOut(string line) => Assert.Equal(ControlGroupLimits.None, Read(root => root
        .With("proc/self/cgroup", "0::/\nnothing\n").With("proc/self/mountinfo", line + "\n").With("sys/fs/cgroup/memory.max", "1\n")));
}
