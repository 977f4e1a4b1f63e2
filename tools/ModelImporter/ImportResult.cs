namespace Parley.ModelImporter;

/// <summary>A finished package.</summary>
/// <param name="Name">Served name.</param>
/// <param name="Path">Its folder.</param>
/// <param name="Architecture">As config.json names it.</param>
/// <param name="Precision">How its weights are stored.</param>
/// <param name="Parameters">Number of weights, a tied head counted once.</param>
/// <param name="Bytes">Length of all its files.</param>
/// <param name="ContextTokensMax">Longest sequence that it serves.</param>
/// <param name="SourceSha256">Hash of the source, see <c>ModelImport.SourceHash</c>.</param>
public sealed record ImportResult(
    string Name, string Path, string Architecture, string Precision, long Parameters, long Bytes,
        int ContextTokensMax, string SourceSha256)
{
    /// <summary>What whoever imports should know, one sentence each: what the checkpoint says and nothing follows.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>
    /// What int8 or int4 made of weights that were rounded before, by the element type of the source; at most 256 rows of each matrix were
    /// looked at.
    /// </summary>
    public IReadOnlyList<TypeError> TypeErrors { get; init; } = [];
}
