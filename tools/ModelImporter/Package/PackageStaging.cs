using Microsoft.Win32.SafeHandles;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Package;

/// <summary>
/// The folder in which a package grows: a sibling of the destination that takes its name in one rename. What a killed import left behind is
/// removed by the next one; a lock beside the folder tells it from an import that is still at work.
/// </summary>
internal sealed class PackageStaging : IDisposable
{
    private readonly string _destination;
    private readonly SafeFileHandle _lock;

    /// <exception cref="IOException">The destination exists.</exception>
    public PackageStaging(string destination)
    {
        _destination = Path.TrimEndingDirectorySeparator(Path.GetFullPath(destination));
        var parent = Path.GetDirectoryName(_destination) ?? throw new IOException($"{destination} cannot be a package folder.");
        ThrowIfExists(_destination);
        Directory.CreateDirectory(parent);
        RemoveLeftovers(parent, Path.GetFileName(_destination));
        Folder = Path.Combine(parent, $".{Path.GetFileName(_destination)}.{Guid.NewGuid():N}{PackageFolder.ImportingEnding}");
        _lock = OpenLock(Folder);
        Directory.CreateDirectory(Folder);
    }

    /// <summary>The growing folder.</summary>
    public string Folder { get; }

    /// <summary>Gives the folder its name. All files in it are on the disk already.</summary>
    /// <param name="ending">What follows the destination's name.</param>
    /// <returns>The full path.</returns>
    /// <exception cref="IOException">The destination has come into being meanwhile.</exception>
    public string Publish(string ending = "")
    {
        var destination = _destination + ending;
        DirectorySync.Flush(Folder);
        ThrowIfExists(destination);
        try
        {
            Directory.Move(Folder, destination);
        }
        catch (IOException)
        {
            // Another import may have come first between the two lines above.
            ThrowIfExists(destination);
            throw;
        }

        DirectorySync.Flush(Path.GetDirectoryName(destination)!);
        return destination;
    }

    public void Dispose()
    {
        if (Directory.Exists(Folder))
            Directory.Delete(Folder, recursive: true);
        _lock.Dispose();
        File.Delete(LockPath(Folder));
    }

    private static void ThrowIfExists(string destination)
    {
        if (Directory.Exists(destination) || File.Exists(destination))
            throw new IOException($"{destination} exists already; remove it, or import under another name.");
    }

    private static string LockPath(string folder) => folder + ".lock";

    private static SafeFileHandle OpenLock(string folder) =>
        File.OpenHandle(LockPath(folder), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

    private static void RemoveLeftovers(string parent, string name)
    {
        foreach (var leftover in Directory.GetDirectories(parent, $".{name}.*{PackageFolder.ImportingEnding}"))
        {
            try
            {
                using (OpenLock(leftover))
                {
                    // It may have taken its name since it was found.
                    if (Directory.Exists(leftover))
                        Directory.Delete(leftover, recursive: true);
                }

                File.Delete(LockPath(leftover));
            }
            catch (IOException)
            {
                // Another import is at work in it.
            }
        }
    }
}
