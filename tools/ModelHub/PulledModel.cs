using Parley.ModelHub.Protocol;

namespace Parley.ModelHub;

/// <summary>A model that lies in the cache, checked.</summary>
/// <param name="Repository"><c>org/name</c>.</param>
/// <param name="Commit">Its commit.</param>
/// <param name="Folder">The snapshot's folder.</param>
/// <param name="Files">The files of it that serving needs.</param>
/// <param name="Weights">The GGUF file to import (the first of a split one); null where the folder is the checkpoint.</param>
/// <param name="Variant">The choice of file as the listing spells it; null where none was named.</param>
/// <param name="BytesFetched">What came over the network this time.</param>
public sealed record PulledModel(
    string Repository, string Commit, string Folder, IReadOnlyList<HubFile> Files, string? Weights, string? Variant,
    long BytesFetched)
{
    /// <summary>What its user calls it: <c>org/name</c>, with the choice where one was made.</summary>
    public string Name => Variant is null ? Repository : $"{Repository}:{Variant}";

    /// <summary>What an import is given: the GGUF file, or the folder.</summary>
    public string Source => Weights is null ? Folder : Path.Combine(Folder, Weights.Replace('/', Path.DirectorySeparatorChar));
}
