namespace Parley.ModelHub;

/// <summary>A commit of a model as it lies in the Hub's cache, whoever fetched it.</summary>
/// <param name="Repository"><c>org/name</c>.</param>
/// <param name="Commit">The commit.</param>
/// <param name="Revisions">Branches and tags that mean it here.</param>
/// <param name="Files">Its files' names, in order.</param>
/// <param name="Bytes">Their length; other commits may share them.</param>
/// <param name="LastUse">When one of its files was last read or written, as far as the system notes it.</param>
public sealed record CachedRevision(
    string Repository, string Commit, IReadOnlyList<string> Revisions, IReadOnlyList<string> Files, long Bytes, DateTime LastUse)
{
    /// <summary>Its GGUF files and safetensors: none where only what describes the model was fetched.</summary>
    public IEnumerable<string> Weights => Files.Where(file =>
        file.EndsWith(".safetensors", StringComparison.Ordinal) || file.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase));
}
