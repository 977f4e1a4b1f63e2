using System.CommandLine;
using System.Globalization;
using Parley.ModelImporter;
using Spectre.Console;

namespace Parley.Cli.Packages;

/// <summary>
/// Packages that were imported before, under <c>$XDG_CACHE_HOME/parley</c>. The key is what a package follows from: the source's contents,
/// the importer's version, precision and context.
/// </summary>
internal static class PackageCache
{
    private const string ManifestName = "parley.json";

    /// <summary>The cache's folder: <c>$XDG_CACHE_HOME/parley</c>, else the platform's folder for such data.</summary>
    public static string Root =>
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
            ? Path.Combine(cache, "parley")
            : OperatingSystem.IsLinux()
                ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "parley")
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "parley");

    /// <summary>The package for the model that a command names: the folder itself if it is one, else imported once.</summary>
    /// <exception cref="InvalidDataException">The model cannot be imported; the message names file and field.</exception>
    public static async Task<string> ResolveAsync(
        IAnsiConsole console, ModelSelection model, ParseResult result, CancellationToken cancellationToken)
    {
        var source = model.Folder(result);
        if (File.Exists(Path.Combine(source, ManifestName)))
            return source;
        var options = new ImportOptions
        {
            Source = source,
            Destination = "",
            Precision = result.GetRequiredValue(model.Precision),
        };
        if (result.GetValue(model.Context) is > 0 and var context)
            options = options with { ContextTokensMax = context };

        // Hashing and converting are work for processors, not for the caller's thread.
        return await Task.Run(() => Resolve(console, options, cancellationToken), cancellationToken);
    }

    /// <summary>Imports without a cache.</summary>
    public static async Task<string> ImportAsync(string source, string destination, string precision, CancellationToken cancellationToken)
    {
        var options = new ImportOptions { Source = source, Destination = destination, Precision = precision };
        return (await Task.Run(() => ModelImport.Run(options, progress: null, cancellationToken), cancellationToken)).Path;
    }

    private static string Resolve(IAnsiConsole console, ImportOptions options, CancellationToken cancellationToken)
    {
        var hash = ModelImport.SourceHash(options.Source, progress: null, cancellationToken);
        var name = NameOf(options.Source);
        var key = string.Create(CultureInfo.InvariantCulture,
            $"{name}-{options.Precision}-{options.ContextTokensMax}-v{ModelImport.Version}-{hash[..16]}");
        var folder = Path.Combine(Root, "packages", key);
        if (File.Exists(Path.Combine(folder, ManifestName)))
            return folder;

        Directory.CreateDirectory(Path.Combine(Root, "packages"));
        using var turn = WaitForTurn(folder + ".lock", cancellationToken);
        if (File.Exists(Path.Combine(folder, ManifestName)))
            return folder;
        console.MarkupLine($"Importing [bold]{Markup.Escape(name)}[/] as {options.Precision}, once:");
        options = options with { Destination = folder, CalibrationIds = RoundingSelection.Default(options.Source, options.Precision) };
        return ImportRun.WithProgress(console, options, cancellationToken).Path;
    }

    /// <summary>What a package is filed under: the folder's name, or the model's, for a snapshot of a Hugging Face cache.</summary>
    internal static string NameOf(string source)
    {
        var folder = new DirectoryInfo(Path.TrimEndingDirectorySeparator(source));
        const string Prefix = "models--";
        return (folder.Parent is { Name: "snapshots", Parent.Name: var model } && model.StartsWith(Prefix, StringComparison.Ordinal)
            ? model[Prefix.Length..]
            : folder.Name).ToLowerInvariant();
    }

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
