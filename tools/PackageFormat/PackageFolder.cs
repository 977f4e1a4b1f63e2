namespace Parley.PackageFormat;

/// <summary>
/// What a folder holds of a package: a volume that nobody has filled, one that is being filled, and one whose filling was cut short are
/// told apart, because the ways out differ.
/// </summary>
public static class PackageFolder
{
    /// <summary>Ending of the folder in which an import grows, beside the package: a dot and the package's name before it.</summary>
    public const string ImportingEnding = ".importing";

    private const int ListedMax = 5;

    /// <summary>Of every ext4 volume; nobody has put it there.</summary>
    private const string LostAndFound = "lost+found";

    /// <summary>Why a folder is no package, in one sentence with the way out; null where it has a manifest.</summary>
    /// <param name="folder">The package's folder.</param>
    public static string? Fault(string folder)
    {
        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (!Directory.Exists(path))
            return Missing(path);
        if (File.Exists(Path.Combine(path, ModelManifest.FileName)))
            return null;
        var entries = Directory.EnumerateFileSystemEntries(path).Select(entry => Path.GetFileName(entry))
            .Where(name => name != LostAndFound).Order(StringComparer.Ordinal).ToList();
        return entries.Count == 0
            ? $"{path}: the folder is empty, nothing has been written to it; import a model by `parley import`, or mount its volume."
            : $"{path}: {ModelManifest.FileName}, which is written last, is missing beside {Listed(entries)}: this is a copy that is under "
                + "way or was cut short, or no model package; copy it whole, or make one by `parley import`.";
    }

    /// <summary>Why a file is not as the manifest lists it; null where it is there with that length. Its hash is not looked at.</summary>
    /// <param name="folder">The package's folder.</param>
    /// <param name="name">Its name in the manifest.</param>
    /// <param name="file">What the manifest says of it.</param>
    public static string? Fault(string folder, string name, PackageFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (!TokenizerFiles.IsInPackage(name))
            return $"{Path.Combine(folder, ModelManifest.FileName)}: files names {name}, which is not a file of the package itself.";
        var path = Path.Combine(folder, name);
        var info = new FileInfo(path);
        if (!info.Exists)
            return $"{path}: the file is missing; import the model again.";

        // A link's own length is 0; the manifest speaks of what it leads to.
        var length = info.LinkTarget is null ? info.Length : ((FileInfo)info.ResolveLinkTarget(returnFinalTarget: true)!).Length;
        return length == file.Bytes
            ? null
            : $"{path}: the file has {length} bytes, {ModelManifest.FileName} says {file.Bytes}; import the model again.";
    }

    private static string Missing(string path)
    {
        var parent = Path.GetDirectoryName(path);
        if (parent is null || !Directory.Exists(parent))
            return $"{path}: there is no such folder, and neither is {parent}: is the volume mounted?";
        var name = Path.GetFileName(path);
        if (Directory.EnumerateDirectories(parent, $".{name}.*{ImportingEnding}").FirstOrDefault() is { } importing)
        {
            return $"{path}: there is no such folder yet: an import into it is under way or was cut short ({Path.GetFileName(importing)} "
                + "lies beside it); wait for it, or run `parley import` again.";
        }

        var packages = Directory.EnumerateDirectories(parent).Where(other => File.Exists(Path.Combine(other, ModelManifest.FileName)))
            .Select(other => Path.GetFileName(other)).Order(StringComparer.Ordinal).ToList();
        if (packages.Count > 0)
            return $"{path}: there is no such folder; {parent} has the packages {Listed(packages)}.";
        var isEmpty = Directory.EnumerateFileSystemEntries(parent).All(entry => Path.GetFileName(entry) == LostAndFound);
        return $"{path}: there is no such folder{(isEmpty ? $", and {parent} is empty" : "")}; import a model into it by `parley import`.";
    }

    private static string Listed(List<string> names) =>
        string.Join(", ", names.Take(ListedMax)) + (names.Count > ListedMax ? $" and {names.Count - ListedMax} more" : "");
}
