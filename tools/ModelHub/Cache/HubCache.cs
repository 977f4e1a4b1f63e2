using System.Text.Json;
using Parley.ModelHub.Protocol;

namespace Parley.ModelHub.Cache;

/// <summary>
/// One repository in the cache of the Hub's own tools: <c>models--org--name/{blobs,refs,snapshots,trees}</c>, locks beside. Read and
/// written so that either side finds what the other left.
/// </summary>
internal sealed class HubCache
{
    private const string Partial = ".parley";
    private const string IncompleteEnding = ".incomplete";
    private const int TreeFormatVersion = 1;

    /// <summary>What <c>CACHEDIR.TAG</c> begins with, by its own specification, so that backups leave the folder out.</summary>
    private const string CacheTag = "Signature: 8a477f597d28d172789f06886806bc55\n# Models that Parley and the Hub's tools have fetched.\n";

    private readonly string _root;
    private readonly string _folderName;

    public HubCache(string root, string repository)
    {
        _root = root;
        _folderName = "models--" + repository.Replace("/", "--", StringComparison.Ordinal);
        Folder = Path.Combine(root, _folderName);
    }

    public string Folder { get; }

    public string BlobPath(HubFile file) => Path.Combine(Folder, "blobs", file.BlobName);

    /// <summary>Where a blob grows. The Hub's tools call such files incomplete, and their clean-up removes them.</summary>
    public string GrowingPath(HubFile file) => BlobPath(file) + Partial + IncompleteEnding;

    /// <summary>Beside it, how far each part has come.</summary>
    public string JournalPath(HubFile file) => BlobPath(file) + Partial + "-parts" + IncompleteEnding;

    public string LockPath(HubFile file) => Path.Combine(_root, ".locks", _folderName, file.BlobName + ".lock");

    public string SnapshotPath(string commit) => Path.Combine(Folder, "snapshots", commit);

    public string EntryPath(string commit, string path) =>
        Path.Combine(SnapshotPath(commit), path.Replace('/', Path.DirectorySeparatorChar));

    /// <summary>Makes the folders that a download writes to.</summary>
    public void Create()
    {
        Directory.CreateDirectory(Path.Combine(Folder, "blobs"));
        Directory.CreateDirectory(Path.Combine(Folder, "refs"));
        Directory.CreateDirectory(Path.Combine(_root, ".locks", _folderName));
        var tag = Path.Combine(_root, "CACHEDIR.TAG");
        if (!File.Exists(tag))
            WriteWhole(tag, CacheTag);
    }

    /// <summary>The commit that a branch or tag meant when it was last fetched; a commit is itself. Null where it is not known.</summary>
    public string? CommitOf(string revision)
    {
        if (revision.Length == 40 && revision.All(char.IsAsciiHexDigitLower))
            return revision;
        var path = RefPath(revision);
        // Older tools left a line break here.
        return File.Exists(path) && File.ReadAllText(path).Trim() is { Length: 40 } commit && commit.All(char.IsAsciiHexDigitLower)
            ? commit
            : null;
    }

    /// <summary>Writes what a branch or tag means. Without a line break: the Hub's tools take the file's text as it is.</summary>
    public void WriteRef(string revision, string commit)
    {
        if (CommitOf(revision) == commit)
            return;
        var path = RefPath(revision);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        WriteWhole(path, commit);
    }

    /// <summary>Puts a blob into a snapshot under its name: a relative link, or a copy where the system has no links for us.</summary>
    public void Link(string commit, HubFile file)
    {
        var entry = EntryPath(commit, file.Path);
        var blob = BlobPath(file);
        var folder = Path.GetDirectoryName(entry)!;
        Directory.CreateDirectory(folder);
        var target = Path.GetRelativePath(folder, blob);
        if (new FileInfo(entry).LinkTarget == target)
            return;
        File.Delete(entry);
        try
        {
            File.CreateSymbolicLink(entry, target);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            File.Copy(blob, entry, overwrite: true);
        }
    }

    /// <summary>The files of a commit as an earlier fetch listed them; null where no list was kept, or none that can be read.</summary>
    public IReadOnlyList<HubFile>? ReadTree(string commit)
    {
        try
        {
            var path = TreePath(commit);
            if (!File.Exists(path))
                return null;
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            if (json.RootElement.GetProperty("format_version").GetInt32() != TreeFormatVersion)
                return null;
            HubFile[] files =
            [
                .. json.RootElement.GetProperty("files").EnumerateObject().Select(file => new HubFile(
                    file.Name,
                    file.Value.TryGetProperty("lfs_size", out var size) ? size.GetInt64() : file.Value.GetProperty("size").GetInt64(),
                    file.Value.GetProperty("blob_id").GetString()!,
                    file.Value.TryGetProperty("lfs_sha256", out var sha) ? sha.GetString() : null)),
            ];
            return files.All(file => HubPath.IsSafe(file.Path) && IsName(file.BlobName) && file.Bytes is >= 0 and <= HubFile.BytesMax)
                && files.DistinctBy(file => file.Path).Count() == files.Length ? files : null;
        }
        catch (Exception exception) when (exception is IOException or JsonException or KeyNotFoundException or InvalidOperationException
            or FormatException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// Keeps the list of a commit's files. The Hub's tools take a snapshot for incomplete when a file of this list is missing, so it is
    /// written only where all are there.
    /// </summary>
    public void WriteTree(string commit, IEnumerable<HubFile> files)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("format_version", TreeFormatVersion);
            json.WriteStartObject("files");
            foreach (var file in files.OrderBy(file => file.Path, StringComparer.Ordinal))
            {
                json.WriteStartObject(file.Path);
                json.WriteNumber("size", file.Bytes);
                json.WriteString("blob_id", file.BlobId);
                if (file.Sha256 is not null)
                {
                    json.WriteString("lfs_sha256", file.Sha256);
                    json.WriteNumber("lfs_size", file.Bytes);
                }

                if (file.XetHash is not null)
                    json.WriteString("xet_hash", file.XetHash);
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        var path = TreePath(commit);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        WriteWhole(path, System.Text.Encoding.UTF8.GetString(text.ToArray()));
    }

    private string RefPath(string revision) => Path.Combine(Folder, "refs", revision.Replace('/', Path.DirectorySeparatorChar));

    private string TreePath(string commit) => Path.Combine(Folder, "trees", commit + ".json");

    private static bool IsName(string name) => name.Length is 40 or 64 && name.All(char.IsAsciiHexDigit);

    /// <summary>Readers see the old text or the new one, never a part.</summary>
    private static void WriteWhole(string path, string text)
    {
        var temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        File.WriteAllText(temporary, text);
        File.Move(temporary, path, overwrite: true);
    }
}
