namespace Parley.ModelHub.Protocol;

/// <summary>A file of a repository at one commit, as the Hub lists it.</summary>
/// <param name="Path">From the repository's root, with slashes; checked to stay below it.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="BlobId">Git's SHA-1 of the file (of its pointer, where it is a large one), lower-case hexadecimal.</param>
/// <param name="Sha256">SHA-256 of a large file's contents; null where Git itself holds it.</param>
/// <param name="XetHash">The file's name in the Hub's chunk store; only handed on.</param>
public sealed record HubFile(string Path, long Bytes, string BlobId, string? Sha256, string? XetHash = null)
{
    /// <summary>No file is longer, so that sums of lengths stay numbers.</summary>
    internal const long BytesMax = 1L << 50;

    /// <summary>The name of its blob in a cache, which is its ETag.</summary>
    public string BlobName => Sha256 ?? BlobId;
}
