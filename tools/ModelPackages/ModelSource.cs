using System.Security.Cryptography;
using System.Text;
using Parley.ModelHub;
using Parley.ModelHub.Naming;

namespace Parley.ModelPackages;

/// <summary>Where a model is imported from: a path of this machine, or what a name on the Hub brought here.</summary>
/// <param name="Path">A Hugging Face folder, a GGUF file or a package.</param>
/// <param name="Shown">What its user called it.</param>
/// <param name="Name">As which it is served: that on the Hub, with the choice of a file; null where the path says it.</param>
/// <param name="ContentHash">Hash of what the import reads, where the names of its blobs give it without reading; else null.</param>
internal sealed record ModelSource(string Path, string Shown, string? Name, string? ContentHash)
{
    /// <summary>Finds what a text names: what exists, or can be nothing else, is a path; the rest are names on the Hub.</summary>
    /// <exception cref="FileNotFoundException">The path does not exist.</exception>
    /// <exception cref="HubException">The name cannot be had.</exception>
    /// <exception cref="InvalidDataException">An import would refuse the model.</exception>
    public static async Task<ModelSource> OpenAsync(IModelProgress view, string text, CancellationToken cancellationToken)
    {
        if (ModelReference.IsPath(text))
            return OfPath(text);
        var reference = ModelReference.Parse(text);
        using var hub = HubAccess.FromEnvironment();
        var download = new ModelDownload(hub, view);
        // Hashing what somebody else fetched is work for processors, not for the caller's thread.
        if (await Task.Run(() => download.FindCached(reference, cancellationToken), cancellationToken) is { } cached)
        {
            view.Note(reference.Revision == cached.Commit
                ? $"{reference}: from the cache."
                : $"{reference}: from the cache; 'parley pull {reference}' looks for a newer one.");
            return Of(reference, cached);
        }

        try
        {
            return Of(reference, await download.RunAsync(reference, cancellationToken));
        }
        catch (HubException exception) when (exception.Failure is HubFailure.RepositoryNotFound or HubFailure.Offline)
        {
            throw new HubException(exception.Failure, $"{exception.Message} ('{text}' is no path on this machine, either.)", exception);
        }
    }

    /// <exception cref="FileNotFoundException">It does not exist.</exception>
    public static ModelSource OfPath(string text)
    {
        var path = System.IO.Path.GetFullPath(text == "~" || text.StartsWith("~/", StringComparison.Ordinal)
            ? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + text[1..]
            : text);
        return System.IO.Path.Exists(path)
            ? new ModelSource(path, path, null, null)
            : throw new FileNotFoundException($"{path} does not exist.", path);
    }

    private static ModelSource Of(ModelReference reference, PulledModel model)
    {
        // A blob's name is the hash of its bytes, and the pull has checked it.
        var names = model.Files.OrderBy(file => file.Path, StringComparer.Ordinal).Select(file => $"{file.BlobName}  {file.Path}\n");
        var hash = model.Files.All(file => file.BlobName.Length > 0)
            ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(names.Append(model.Weights)))))
            : null;
        return new ModelSource(model.Source, $"{reference.Repository}@{model.Commit}", model.Name, hash);
    }
}
