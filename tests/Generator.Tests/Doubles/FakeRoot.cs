namespace Parley.Generator.Tests.Doubles;

/// <summary>A root folder with the few files of the kernel that limits are read from.</summary>
internal sealed class FakeRoot : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("parley-root-").FullName;

    /// <summary>Writes a file, by its path from the root.</summary>
    public FakeRoot With(string path, string text)
    {
        var full = System.IO.Path.Combine(Path, path.TrimStart('/'));
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
        return this;
    }

    /// <summary>A processor, with those that share its core.</summary>
    public FakeRoot WithProcessor(int number, string siblings) =>
        With($"sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list", siblings + "\n");

    /// <summary>Version 2, mounted as containers and systemd do.</summary>
    public FakeRoot WithUnified(string path, string mountRoot = "/") => With("proc/self/cgroup", $"0::{path}\n")
        .With("proc/self/mountinfo", "22 1 0:20 / /proc rw,nosuid - proc proc rw\n"
            + $"31 23 0:28 {mountRoot} /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
