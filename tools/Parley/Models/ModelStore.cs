using System.Text.Json;
using Parley.ModelHub;
using Parley.ModelHub.Naming;
using Parley.ModelPackages;
using Parley.PackageFormat;

namespace Parley.Cli.Models;

/// <summary>All models on this machine that commands find by name.</summary>
internal static class ModelStore
{
    public const string Snapshot = "snapshot";
    public const string Package = "package";

    /// <summary>Snapshots and packages, by name.</summary>
    public static IReadOnlyList<StoredModel> List(HubSettings settings, string packagesFolder) =>
    [
        .. CachedModels.List(settings).Select(revision => OfSnapshot(settings, revision))
            .Concat(Packages(packagesFolder))
            .OrderBy(model => model.Name, StringComparer.OrdinalIgnoreCase).ThenByDescending(model => model.Kind, StringComparer.Ordinal),
    ];

    /// <summary>What a name means of them: all of a name's, or those of one revision.</summary>
    /// <exception cref="UserErrorException">The name chooses a file of a repository.</exception>
    public static IReadOnlyList<StoredModel> Find(IReadOnlyList<StoredModel> models, string name)
    {
        // Packages of local folders have names that are none on the Hub.
        if (!name.Contains(':', StringComparison.Ordinal)
            && models.Where(model => IsCalled(model, name)).ToArray() is { Length: > 0 } called)
            return called;
        var reference = ModelReference.Parse(name);
        if (reference.Variant is not null)
            throw new UserErrorException($"'{name}': files of one repository go together; name it without ':{reference.Variant}'.");
        return name.Contains('@', StringComparison.Ordinal)
            ? [.. models.Where(model => IsCalled(model, reference.Repository) && IsOf(model, reference.Revision))]
            : [.. models.Where(model => IsCalled(model, reference.Repository))];
    }

    /// <summary>Takes models away.</summary>
    /// <returns>Bytes that are free now: what other models share stays.</returns>
    /// <exception cref="HubException">One is being fetched.</exception>
    public static long Remove(HubSettings settings, IReadOnlyList<StoredModel> models)
    {
        var bytes = 0L;
        foreach (var model in models.Where(model => model.Kind == Snapshot))
            bytes += CachedModels.Remove(settings, model.Name, model.Commit);
        foreach (var model in models.Where(model => model.Kind == Package))
        {
            // Without its manifest a folder is no package, so nobody opens one that is half gone.
            File.Delete(Path.Combine(model.Path, ModelManifest.FileName));
            Directory.Delete(model.Path, recursive: true);
            File.Delete(model.Path + PackageUse.Ending);
            bytes += model.Bytes;
        }

        return bytes;
    }

    /// <summary>Packages of one file of a repository (<c>org/model:Q4_K_M</c>) are the repository's.</summary>
    private static bool IsCalled(StoredModel model, string name) => string.Equals(model.Name, name, StringComparison.OrdinalIgnoreCase)
        || model.Name.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase);

    private static bool IsOf(StoredModel model, string revision) =>
        model.Commit == revision || model.Source.Split(", ").Contains(revision, StringComparer.Ordinal);

    private static StoredModel OfSnapshot(HubSettings settings, CachedRevision revision)
    {
        string[] weights = [.. revision.Weights];
        var form = weights.Length == 0 ? "no weights" : weights.All(file => file.EndsWith(".safetensors", StringComparison.Ordinal))
            ? "safetensors" : "gguf";
        var folder = "models--" + revision.Repository.Replace("/", "--", StringComparison.Ordinal);
        return new StoredModel(
            revision.Repository, Snapshot, form, revision.Bytes,
            revision.Revisions.Count > 0 ? string.Join(", ", revision.Revisions) : "no branch", revision.Commit, revision.LastUse,
            Path.Combine(settings.CacheFolder, folder, "snapshots", revision.Commit));
    }

    private static IEnumerable<StoredModel> Packages(string folder)
    {
        foreach (var path in Directory.Exists(folder) ? Directory.GetDirectories(folder) : [])
        {
            if (Read(Path.Combine(path, ModelManifest.FileName)) is not { } manifest)
                continue;
            var use = PackageUse.Read(path);
            yield return new StoredModel(
                manifest.Name, Package, manifest.Precision, manifest.Files.Values.Sum(file => file.Bytes),
                use?.Source ?? "not noted", manifest.SourceRevision, use?.Time ?? Directory.GetLastWriteTimeUtc(path), path);
        }
    }

    /// <summary>A manifest; null where there is none, or one of another format: such a package serves nobody.</summary>
    private static ModelManifest? Read(string path)
    {
        try
        {
            return File.Exists(path) ? ModelManifest.Parse(File.ReadAllText(path), path) : null;
        }
        catch (Exception exception) when (exception is InvalidDataException or JsonException or IOException)
        {
            return null;
        }
    }
}
