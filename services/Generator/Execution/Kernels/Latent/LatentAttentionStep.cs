using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>
/// The arguments of one call of latent attention as plain pointers. Keys and values of all heads are functions of one row per token: the
/// latent, and a part that turns with the position. Only these are in the cache.
/// </summary>
internal unsafe struct LatentAttentionStep
{
    /// <summary>Query heads that one unit attends with at most; fewer share a tile less often, more leave threads without work.</summary>
    private const int GroupMax = 16;

    /// <summary>
    /// Batch, rotation, scale, output [heads, tokens, rank] and plan; the first field, so that a plan runs our units. Its keys are the
    /// turned parts [blocks, block tokens, stored], its values the latents [blocks, block tokens, rank], in int8 with scales behind each
    /// block's numbers; its head size is the rank, and its key/value heads are groups of query heads.
    /// </summary>
    public PagedAttentionStep Paged;

    /// <summary>Queries times the key half of each head's expansion [heads, tokens, rank].</summary>
    public float* LatentQueries;

    /// <summary>Queries [tokens, heads, <see cref="QuerySize"/>], of which the last <see cref="RotarySize"/> turn.</summary>
    public float* Queries;

    /// <summary>New rows [tokens, rank + <see cref="RotarySize"/>]: the latent before its norm, and what turns.</summary>
    public float* Latents;

    public int Rank;
    public int RotarySize;
    public int QuerySize;

    /// <summary>Numbers of the turned part as the cache and packed queries hold it: whole vectors, zeros at the end.</summary>
    public readonly int RotaryStored => LatentShape.Stored(RotarySize);

    /// <summary>Floats of a packed query, and of a row of a widened tile.</summary>
    public readonly int Width => Rank + RotaryStored;

    /// <summary>Bytes of a block's latents.</summary>
    public readonly long LatentBlockBytes => (long)Paged.BlockTokens * KvCacheFormat.HeadBytes(Paged.CachePrecision, Rank);

    /// <summary>Bytes of a block's turned parts.</summary>
    public readonly long RotaryBlockBytes => (long)Paged.BlockTokens * KvCacheFormat.HeadBytes(Paged.CachePrecision, RotaryStored);

    /// <summary>Query heads of a unit: the largest divisor of all that is not above the limit.</summary>
    public static int GroupOf(int heads)
    {
        var group = Math.Min(heads, GroupMax);
        while (heads % group != 0)
            group--;
        return group;
    }

    /// <summary>What is wrong with the arguments, or null. Checked before a byte is written.</summary>
    public readonly string? FindFault()
    {
        if (Rank <= 0 || Rank % 16 != 0 || Rank > LatentShape.RankMax)
            return $"the latent has {Rank} numbers, not a multiple of 16 up to {LatentShape.RankMax}";
        if (RotarySize <= 0 || RotarySize % 2 != 0 || RotarySize > LatentShape.RotaryMax)
            return $"{RotarySize} numbers of a head turn, not an even number up to {LatentShape.RotaryMax}";
        if (QuerySize < RotarySize)
            return $"queries of {QuerySize} are smaller than what turns of them, {RotarySize}";
        if (Paged.RotaryHalf < 0 || 2 * Paged.RotaryHalf > RotarySize)
            return $"cos_cache has {Paged.RotaryHalf} columns, more than half of the {RotarySize} that turn";
        return Paged.FindBatchFault();
    }
}
