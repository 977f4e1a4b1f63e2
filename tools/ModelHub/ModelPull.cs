using System.Globalization;
using System.Text.Json;
using Parley.ModelHub.Cache;
using Parley.ModelHub.Download;
using Parley.ModelHub.Naming;
using Parley.ModelHub.Protocol;
using Parley.ModelHub.Selection;

namespace Parley.ModelHub;

/// <summary>A model's name in, its checked files in the Hub's cache out.</summary>
/// <remarks>
/// (1) resolve the name to a commit, so that a branch that moves meanwhile changes nothing · (2) list its files · (3) fetch what describes
/// the model, and let the caller refuse it · (4) choose the weights · (5) check what the cache holds already · (6) make sure of the room ·
/// (7) fetch the rest, checked as it comes · (8) link the snapshot, and note what the branch means.
/// </remarks>
public sealed class ModelPull
{
    /// <summary>The largest tokenizers have some 35 MB.</summary>
    private const long DescriptionBytesMax = 512 << 20;

    private readonly HubSettings _settings;
    private readonly TimeProvider _time;
    private readonly HubRequests _requests;
    private readonly HubApi _api;
    private readonly CheckedBlobs _checked;
    private IProgress<PullProgress>? _progress;
    private string _stage = "";
    private long _done;
    private long _total;
    private long _fetched;

    /// <param name="settings">Where and who.</param>
    /// <param name="http">From <see cref="CreateHttp"/>.</param>
    /// <param name="time">The clock of all waits.</param>
    public ModelPull(HubSettings settings, HttpMessageInvoker http, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(settings);
        (_settings, _time) = (settings, time);
        _requests = new HubRequests(http, settings, time, wait => Report(string.Create(CultureInfo.InvariantCulture,
            $"{wait.Reason.TrimEnd('.')}. Again in {wait.Delay.TotalSeconds:0} s ({wait.Attempt} of {wait.AttemptsMax}).")));
        _api = new HubApi(_requests, settings);
        _checked = new CheckedBlobs(settings.ChecksFolder);
    }

    /// <value>Called with the folder of what describes a model, before anything large is fetched; throws to refuse it.</value>
    public Action<string>? Inspect { get; init; }

    /// <value>
    /// Called with the repository's folder, with what describes the model in it, and readers of the beginnings of a GGUF file or of all
    /// that a model was split into, before they are fetched; throws to refuse them.
    /// </value>
    public Func<string, IReadOnlyList<GgufBeginning>, CancellationToken, Task>? InspectGguf { get; init; }

    /// <value>Memory of this machine, for the list of choices. Default: what .NET says is available.</value>
    public long MemoryBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <value>Free bytes of the disk that a folder lies on.</value>
    public Func<string, long> FreeBytes { get; init; } = folder => new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;

    /// <summary>The handler of requests that <see cref="ModelPull"/> wants: it follows and decompresses nothing by itself.</summary>
    public static HttpMessageInvoker CreateHttp(HubSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = settings.SilenceMax,
            MaxConnectionsPerServer = settings.ConnectionsMax + 1,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        });
    }

    /// <summary>Brings a model into the cache.</summary>
    /// <exception cref="HubException">It could not be; what came so far is kept for the next try.</exception>
    public async Task<PulledModel> RunAsync(
        ModelReference reference, IProgress<PullProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        _progress = progress;
        _fetched = 0;
        if (_settings.Offline)
            return FindCached(reference, progress, cancellationToken) ?? throw NotCached(reference);

        // (1) to (3)
        var cache = new HubCache(_settings.CacheFolder, reference.Repository);
        var (commit, files, descriptions) = await BringDescriptionsAsync(cache, reference, cancellationToken);

        // (4) choose
        var weights = FileSelection.Weights(
            reference, files, index => ReadShards(cache.EntryPath(commit, index.Path), index.Path), MemoryBytes);
        var gguf = weights[0].Path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? weights[0] : null;
        if (gguf is null)
        {
            Inspect?.Invoke(cache.SnapshotPath(commit));
        }
        else
        {
            var beside = FileSelection.Descriptions(files, gguf);
            await BringAsync(cache, reference.Repository, commit, Sane(beside), cancellationToken);
            descriptions = [.. descriptions, .. beside];
            if (InspectGguf is not null)
            {
                await InspectGguf(cache.SnapshotPath(commit), [.. weights.Select(file => new GgufBeginning(
                    _requests, _api.Locate(reference.Repository, commit, file.Path), file))], cancellationToken);
            }
        }

        // (5) to (8)
        await BringAsync(cache, reference.Repository, commit, weights, cancellationToken);
        if (files.All(file => File.Exists(cache.EntryPath(commit, file.Path))))
            cache.WriteTree(commit, files);
        cache.WriteRef(reference.Revision, commit);
        return new PulledModel(
            reference.Repository, commit, cache.SnapshotPath(commit), [.. descriptions, .. weights], gguf?.Path,
            CanonicalVariant(reference, files), _fetched);
    }

    /// <summary>Brings what describes a model, and no weights; from the cache alone where requests are switched off.</summary>
    /// <returns>The folder with its configuration and its tokenizer.</returns>
    /// <exception cref="HubException">It could not be had, or the repository has no configuration.</exception>
    public async Task<string> DescribeAsync(
        ModelReference reference, IProgress<PullProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        _progress = progress;
        var cache = new HubCache(_settings.CacheFolder, reference.Repository);
        var (commit, isGguf) = (cache.CommitOf(reference.Revision) ?? "", false);
        if (!_settings.Offline)
        {
            (commit, var files, _) = await BringDescriptionsAsync(cache, reference, cancellationToken);
            isGguf = FileSelection.MeansGguf(reference, files);
        }
        else if (commit.Length == 0)
        {
            throw NotCached(reference);
        }

        if (!isGguf && File.Exists(cache.EntryPath(commit, FileSelection.Config)))
            return cache.SnapshotPath(commit);
        // A config.json beside GGUF files says little, and the file itself says it all.
        throw _settings.Offline ? NotCached(reference) : new HubException(HubFailure.Refused, isGguf
            ? $"{reference} is a GGUF file, which says itself what it is; 'parley pull {reference}' fetches it."
            : $"{reference.Repository} has no {FileSelection.Config}; 'parley pull {reference}' fetches the model, which says what it is.");
    }

    /// <summary>The model as the cache holds it, without a request; null where it does not hold the whole of it.</summary>
    /// <exception cref="HubException">A file that it holds is damaged, and cannot be fetched anew without a request.</exception>
    public PulledModel? FindCached(
        ModelReference reference, IProgress<PullProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reference);
        _progress = progress;
        var cache = new HubCache(_settings.CacheFolder, reference.Repository);
        if (cache.CommitOf(reference.Revision) is not { } commit || !Directory.Exists(cache.SnapshotPath(commit)))
            return null;
        var folder = cache.SnapshotPath(commit);
        var there = CachedSnapshot.Files(folder);
        var tree = cache.ReadTree(commit);
        // Other tools fetch parts of a repository: without its tokenizer or its settings a model is there, and is another one.
        if (tree is not null && FileSelection.Descriptions(tree).Any(file => !IsThere(file)))
            return null;
        var listed = tree?.Where(IsThere).ToArray() ?? there;
        IReadOnlyList<HubFile> weights;
        try
        {
            weights = FileSelection.Weights(
                reference, listed, index => ReadShards(cache.EntryPath(commit, index.Path), index.Path), MemoryBytes);
        }
        catch (HubException exception) when (exception.Failure == HubFailure.Refused)
        {
            // What is missing may lie on the Hub.
            return null;
        }

        var isGguf = weights[0].Path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
        if (isGguf && tree is not null && FileSelection.Descriptions(tree, weights[0]).Any(file => !IsThere(file)))
            return null;
        IReadOnlyList<HubFile> descriptions =
            [.. FileSelection.Descriptions(listed), .. isGguf ? FileSelection.Descriptions(listed, weights[0]) : []];
        if (!isGguf && !(descriptions.Any(file => file.Path == FileSelection.Config) && descriptions.Any(FileSelection.IsTokenizer)))
            return null;
        HubFile[] needed = [.. descriptions, .. weights];
        Begin("check", needed.Sum(file => file.Bytes));
        foreach (var file in needed.Where(file => file.BlobName.Length > 0))
        {
            if (!IsRight(cache.EntryPath(commit, file.Path), file, cancellationToken))
            {
                throw new HubException(HubFailure.Offline, $"{cache.EntryPath(commit, file.Path)} is damaged: it is not the file that the "
                    + $"Hub listed. 'parley pull {reference}' fetches it anew.");
            }
        }

        return new PulledModel(
            reference.Repository, commit, folder, needed, isGguf ? weights[0].Path : null, CanonicalVariant(reference, listed), 0);

        bool IsThere(HubFile file) => there.Any(other => other.Path == file.Path);
    }

    private string? CanonicalVariant(ModelReference reference, IReadOnlyList<HubFile> files) =>
        reference.Variant is { } variant ? FileSelection.Choose(reference, files, MemoryBytes).Canonical(variant) : null;

    /// <summary>(1) resolve, (2) list, (3) fetch what describes the model.</summary>
    private async Task<(string Commit, IReadOnlyList<HubFile> Files, IReadOnlyList<HubFile> Descriptions)> BringDescriptionsAsync(
        HubCache cache, ModelReference reference, CancellationToken cancellationToken)
    {
        var (commit, _) = await _api.ResolveAsync(reference.Repository, reference.Revision, cancellationToken);
        var files = cache.ReadTree(commit) ?? await _api.ListAsync(reference.Repository, commit, cancellationToken);
        cache.Create();
        var descriptions = FileSelection.Descriptions(files);
        await BringAsync(cache, reference.Repository, commit, Sane(descriptions), cancellationToken);
        return (commit, files, descriptions);
    }

    /// <summary>What describes a model is fetched before anybody has seen anything of it, so it must not be large.</summary>
    private static IReadOnlyList<HubFile> Sane(IReadOnlyList<HubFile> descriptions) =>
        descriptions.FirstOrDefault(file => file.Bytes > DescriptionBytesMax) is { } file
            ? throw new HubException(HubFailure.Refused, string.Create(CultureInfo.InvariantCulture,
                $"{file.Path} has {file.Bytes} bytes, more than any such file of a model; nothing of it was fetched."))
            : descriptions;

    private async Task BringAsync(
        HubCache cache, string repository, string commit, IReadOnlyList<HubFile> files, CancellationToken cancellationToken)
    {
        var locks = new List<BlobLock>();
        try
        {
            // Always in one order, so that two pulls of the same files wait for each other and never both.
            HubFile[] blobs = [.. files.DistinctBy(file => file.BlobName).OrderBy(file => file.BlobName, StringComparer.Ordinal)];
            var missing = Missing(cache, blobs, cancellationToken);
            foreach (var file in missing)
            {
                locks.Add(await BlobLock.TakeAsync(
                    cache.LockPath(file), () => Report($"{file.Path} is being fetched by another program; waiting for it."), _time,
                    cancellationToken));
            }

            // Who held a lock before may have brought the blob.
            if (missing.Count > 0)
                missing = Missing(cache, missing, cancellationToken);
            await FetchAsync(cache, repository, commit, missing, cancellationToken);
            foreach (var file in files)
                cache.Link(commit, file);
        }
        finally
        {
            locks.ForEach(held => held.Dispose());
        }
    }

    /// <summary>(5) The blobs that are not there, or not right: those are taken away, so that they are fetched anew.</summary>
    private List<HubFile> Missing(HubCache cache, IReadOnlyList<HubFile> blobs, CancellationToken cancellationToken)
    {
        Begin("check", blobs.Where(file => File.Exists(cache.BlobPath(file))).Sum(file => file.Bytes));
        var missing = new List<HubFile>();
        foreach (var file in blobs)
        {
            var path = cache.BlobPath(file);
            if (File.Exists(path) && IsRight(path, file, cancellationToken))
                continue;
            if (File.Exists(path))
            {
                Report($"{file.Path} in the cache is damaged and is fetched anew.");
                File.Delete(path);
            }

            missing.Add(file);
        }

        return missing;
    }

    private bool IsRight(string path, HubFile file, CancellationToken cancellationToken)
    {
        // A link's own length and time say nothing.
        path = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        if (_checked.Contains(path, file))
            return true;
        if (!BlobHash.Matches(path, file, Advance, cancellationToken))
            return false;
        _checked.Add(path, file);
        return true;
    }

    private async Task FetchAsync(
        HubCache cache, string repository, string commit, IReadOnlyList<HubFile> files, CancellationToken cancellationToken)
    {
        if (files.Count == 0)
            return;
        var downloads = new List<BlobDownload>();
        try
        {
            // (6) room, before the first byte
            var resumed = files.Sum(file => File.Exists(cache.GrowingPath(file)) ? AllocatedBytes(cache, file) : 0);
            var (wanted, free) = (files.Sum(file => file.Bytes) - resumed, FreeBytes(cache.Folder));
            if (wanted > free)
            {
                throw new HubException(HubFailure.NoSpace, string.Create(CultureInfo.InvariantCulture,
                    $"{_settings.CacheFolder} has {free / 1e9:0.00} GB free, and {repository} needs {wanted / 1e9:0.00} GB more there; ")
                    + "free some, or set HF_HUB_CACHE to another disk.");
            }

            // (7) the smallest first: what is whole is kept, whatever happens to the rest
            foreach (var file in files.OrderBy(file => file.Bytes))
            {
                downloads.Add(new BlobDownload(
                    _requests, _settings, _time, cache, file, _api.Locate(repository, commit, file.Path), Advance));
            }

            Begin("download", files.Sum(file => file.Bytes));
            Advance(downloads.Sum(download => download.Resumed));
            _fetched -= downloads.Sum(download => download.Resumed);
            await new PartQueue(downloads, _settings.ConnectionsMax).RunAsync(cancellationToken);
            foreach (var file in files)
                _checked.Add(cache.BlobPath(file), file);
        }
        finally
        {
            downloads.ForEach(download => download.Dispose());
        }
    }

    private long AllocatedBytes(HubCache cache, HubFile file)
    {
        using var journal = PartJournal.Open(cache.JournalPath(file), cache.GrowingPath(file), file.Bytes, _settings.PartBytes);
        return journal.Total;
    }

    private static IReadOnlyCollection<string> ReadShards(string path, string name)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            var shards = json.RootElement.GetProperty("weight_map").EnumerateObject().Select(entry => entry.Value.GetString() ?? "")
                .ToHashSet(StringComparer.Ordinal);
            if (shards.Count > 0 && shards.All(shard => HubPath.IsSafe(shard) && shard.EndsWith(".safetensors", StringComparison.Ordinal)))
                return shards;
            throw new HubException(HubFailure.Refused, $"{name}: weight_map must name safetensors files of the repository.");
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new HubException(HubFailure.Refused, $"{name}: weight_map cannot be read: {exception.Message}", exception);
        }
    }

    private HubException NotCached(ModelReference reference) => new(
        HubFailure.Offline,
        $"{reference} is not, or not wholly, in {_settings.CacheFolder}, and HF_HUB_OFFLINE forbids to ask the Hub for it.");

    private void Begin(string stage, long total)
    {
        (_stage, _total) = (stage, total);
        Interlocked.Exchange(ref _done, 0);
    }

    private void Advance(long bytes)
    {
        if (_stage == "download")
            Interlocked.Add(ref _fetched, bytes);
        _progress?.Report(new PullProgress(_stage, Interlocked.Add(ref _done, bytes), _total));
    }

    private void Report(string note) => _progress?.Report(new PullProgress(_stage, Interlocked.Read(ref _done), _total, note));
}
