using Parley.ModelHub.Cache;

namespace Parley.ModelHub;

/// <summary>The models of the Hub's cache: what is there, and how it goes.</summary>
public static class CachedModels
{
    private const string FolderStart = "models--";
    private const string Separator = "--";
    private const int CommitLength = 40;

    /// <summary>All commits of all models, by name.</summary>
    public static IReadOnlyList<CachedRevision> List(HubSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return !Directory.Exists(settings.CacheFolder)
            ? []
            : [.. Directory.EnumerateDirectories(settings.CacheFolder, FolderStart + "*")
                .Order(StringComparer.Ordinal)
                .SelectMany(Revisions)];
    }

    /// <summary>
    /// Takes away a model, or one commit of it. Blobs that another commit needs stay.
    /// </summary>
    /// <param name="settings">Where the cache is.</param>
    /// <param name="repository"><c>org/name</c>.</param>
    /// <param name="commit">The commit; null is the whole repository with what was fetched in part.</param>
    /// <returns>Bytes that are free now.</returns>
    /// <exception cref="HubException">Another program is fetching it.</exception>
    public static long Remove(HubSettings settings, string repository, string? commit)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(repository);
        var name = FolderStart + repository.Replace("/", Separator, StringComparison.Ordinal);
        var folder = Path.Combine(settings.CacheFolder, name);
        if (!Directory.Exists(folder))
            return 0;
        var (locks, before) = (Path.Combine(settings.CacheFolder, ".locks", name), BlobBytes(folder));
        var held = Hold(locks, repository);
        try
        {
            if (commit is null || Snapshots(folder).All(snapshot => Path.GetFileName(snapshot) == commit))
            {
                Directory.Delete(folder, recursive: true);
                if (Directory.Exists(locks))
                    Directory.Delete(locks, recursive: true);
                return before;
            }

            RemoveCommit(folder, commit);
            return before - BlobBytes(folder);
        }
        finally
        {
            held.ForEach(file => file.Dispose());
        }
    }

    private static void RemoveCommit(string folder, string commit)
    {
        // What names the snapshot goes before it, so that nobody finds a part of it.
        foreach (var reference in References(folder).Where(reference => reference.Commit == commit))
            File.Delete(reference.Path);
        var tree = Path.Combine(folder, "trees", commit + ".json");
        if (File.Exists(tree))
            File.Delete(tree);
        if (Directory.Exists(Path.Combine(folder, "snapshots", commit)))
            Directory.Delete(Path.Combine(folder, "snapshots", commit), recursive: true);
        var needed = Snapshots(folder).SelectMany(CachedSnapshot.Files).Select(file => file.BlobName).ToHashSet(StringComparer.Ordinal);
        foreach (var blob in Blobs(folder).Where(blob => !needed.Contains(Path.GetFileName(blob))))
            File.Delete(blob);
    }

    private static IEnumerable<CachedRevision> Revisions(string folder)
    {
        var references = References(folder);
        foreach (var snapshot in Snapshots(folder).Order(StringComparer.Ordinal))
        {
            var (commit, files) = (Path.GetFileName(snapshot), CachedSnapshot.Files(snapshot));
            yield return new CachedRevision(
                Path.GetFileName(folder)[FolderStart.Length..].Replace(Separator, "/", StringComparison.Ordinal),
                commit,
                [.. references.Where(reference => reference.Commit == commit).Select(reference => reference.Name)],
                [.. files.Select(file => file.Path).Order(StringComparer.Ordinal)],
                files.Sum(file => file.Bytes),
                files.Select(file => LastUse(Path.Combine(snapshot, file.Path))).Append(Directory.GetLastWriteTimeUtc(snapshot)).Max());
        }
    }

    private static DateTime LastUse(string path)
    {
        path = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        var (read, written) = (File.GetLastAccessTimeUtc(path), File.GetLastWriteTimeUtc(path));
        return read > written ? read : written;
    }

    private static (string Path, string Name, string Commit)[] References(string folder)
    {
        var root = Path.Combine(folder, "refs");
        return !Directory.Exists(root)
            ? []
            : [.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Select(path =>
                (path, Path.GetRelativePath(root, path).Replace(Path.DirectorySeparatorChar, '/'), File.ReadAllText(path).Trim()))];
    }

    private static IEnumerable<string> Snapshots(string folder) => Entries(Path.Combine(folder, "snapshots"))
        .Where(path => Path.GetFileName(path) is { Length: CommitLength } name && name.All(char.IsAsciiHexDigitLower));

    private static IEnumerable<string> Entries(string folder) => Directory.Exists(folder) ? Directory.EnumerateDirectories(folder) : [];

    private static string[] Blobs(string folder) =>
        Directory.Exists(Path.Combine(folder, "blobs")) ? Directory.GetFiles(Path.Combine(folder, "blobs")) : [];

    private static long BlobBytes(string folder) => Blobs(folder).Sum(path => new FileInfo(path).Length);

    /// <summary>Nobody fetches a blob of the repository while these are held.</summary>
    private static List<FileStream> Hold(string locks, string repository)
    {
        var held = new List<FileStream>();
        foreach (var path in Directory.Exists(locks) ? Directory.GetFiles(locks, "*.lock") : [])
        {
            try
            {
                held.Add(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1));
            }
            catch (IOException exception)
            {
                held.ForEach(file => file.Dispose());
                throw new HubException(
                    HubFailure.Refused, $"{repository} is being fetched by another program; stop that first.", exception);
            }
        }

        return held;
    }
}
