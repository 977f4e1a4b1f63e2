using System.Globalization;
using Parley.ModelImporter;
using Parley.PackageFormat;

namespace Parley.ModelPackages;

/// <summary>
/// Packages that were imported before, under <c>$XDG_CACHE_HOME/parley</c>. The key is what a package follows from: the source's contents,
/// the importer's version, precision and context.
/// </summary>
internal static class PackageCache
{
    private const int FolderNameMax = 80;

    /// <summary>The cache's folder: <c>$XDG_CACHE_HOME/parley</c>, else the platform's folder for such data.</summary>
    public static string Root =>
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
            ? Path.Combine(cache, "parley")
            : OperatingSystem.IsLinux()
                ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "parley")
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "parley");

    /// <summary>The folder of the packages.</summary>
    public static string PackagesFolder => PackagesOf(Root);

    /// <summary>The package for a source: the folder itself if it is one, else imported once.</summary>
    /// <param name="root">The cache's folder.</param>
    /// <param name="view">Shows how far it is.</param>
    /// <param name="source">The source.</param>
    /// <param name="precision">The precision; null is the source's own default.</param>
    /// <param name="context">Positions to serve; 0 is the importer's default.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="InvalidDataException">The model cannot be imported; the message names file and field.</exception>
    public static async Task<string> ResolveAsync(
        string root, IModelProgress view, ModelSource source, string? precision, int context, CancellationToken cancellationToken)
    {
        if (File.Exists(Path.Combine(source.Path, ModelManifest.FileName)))
            return source.Path;
        var options = new ImportOptions { Source = source.Path, Destination = "" };
        if (context > 0)
            options = options with { ContextTokensMax = context };

        // Hashing and converting are work for processors, not for the caller's thread.
        var folder = await Task.Run(() => Resolve(root, view, source, options, precision, cancellationToken), cancellationToken);
        PackageUse.Note(folder, source.Shown, TimeProvider.System);
        return folder;
    }

    /// <summary>Imports without a cache.</summary>
    public static async Task<string> ImportAsync(string source, string destination, string precision, CancellationToken cancellationToken)
    {
        var options = new ImportOptions { Source = source, Destination = destination, Precision = precision };
        return (await Task.Run(() => ModelImport.Run(options, progress: null, cancellationToken), cancellationToken)).Path;
    }

    /// <summary>The package for a source in a cache, imported where it is not there.</summary>
    /// <remarks>
    /// A source whose hash nobody knows is read for it alone only where a package of the same name lies in the cache, which may be it.
    /// Otherwise the import hashes what it reads, and the package gets its name in the end: a model's first start reads it once.
    /// </remarks>
    internal static string Resolve(
        string root, IModelProgress view, ModelSource source, ImportOptions options, string? precision, CancellationToken cancellationToken)
    {
        var (packages, memory) = (PackagesOf(root), new SourceMemory(Path.Combine(root, "sources"), TimeProvider.System));
        var stamp = SourceMemory.Stamp(source.Path);
        var known = memory.Find(source.Path);
        var (hash, usual) = (known?.Hash ?? source.ContentHash, known?.Precision ?? ModelImport.DefaultPrecision(source.Path));
        var name = source.Name ?? ModelImport.NameOf(source.Path);
        options = options with { Precision = precision ?? usual };
        var start = Path.Combine(packages, string.Create(CultureInfo.InvariantCulture,
            $"{FolderName(name)}-{options.Precision}-{options.ContextTokensMax}-v{ModelImport.Version}"));

        if (Find() is { } found)
            return found;
        Directory.CreateDirectory(packages);
        using var turn = WaitForTurn(start + ".lock", cancellationToken);
        // Whoever had the turn before may have imported it.
        if (Find() is { } imported)
            return imported;
        view.Note($"Importing {name} as {options.Precision}, once.");
        var result = ImportRun.WithProgress(
            view,
            options with
            {
                Destination = hash is null ? start : Keyed(start, hash),
                AppendsSourceHash = hash is null,
                Name = name,
                CalibrationIds = DefaultRounding.CalibrationIds(options.Source, options.Precision),
            },
            cancellationToken);
        Learn(hash ?? result.SourceSha256);
        return result.Path;

        string? Find()
        {
            if (hash is null && IsAnyThere(start))
                Learn(ModelImport.SourceHash(source.Path, ImportRun.Reports(view), cancellationToken));
            if (hash is null || !File.Exists(Path.Combine(Keyed(start, hash), ModelManifest.FileName)))
                return null;
            Learn(hash);
            return Keyed(start, hash);
        }

        void Learn(string learnt)
        {
            hash = learnt;
            if (known is null)
                memory.Keep(source.Path, stamp, known = new SourceFacts(learnt, usual));
        }
    }

    private static string PackagesOf(string root) => Path.Combine(root, "packages");

    private static string Keyed(string start, string hash) => $"{start}-{hash[..ImportOptions.HashDigits]}";

    private static bool IsAnyThere(string start) =>
        Directory.Exists(Path.GetDirectoryName(start))
        && Directory.EnumerateDirectories(Path.GetDirectoryName(start)!, Path.GetFileName(start) + "-*")
            .Any(folder => File.Exists(Path.Combine(folder, ModelManifest.FileName)));

    /// <summary>A model's name as part of a folder's: nothing in it leads elsewhere, and no file system minds its length.</summary>
    internal static string FolderName(string name) => string.Concat(name.ToLowerInvariant().Take(FolderNameMax)
        .Select((letter, i) => char.IsAsciiLetterOrDigit(letter) || (i > 0 && letter is '.' or '_' or '-') ? letter : '-'));

    /// <summary>One process imports, others wait for it; the lock goes with its file handle, so a crash leaves none.</summary>
    private static FileStream WaitForTurn(string path, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            }
            catch (IOException) when (File.Exists(path))
            {
                cancellationToken.ThrowIfCancellationRequested();
                cancellationToken.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(200));
            }
        }
    }
}
