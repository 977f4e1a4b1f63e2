namespace Parley.Benchmarks;

/// <summary>One step of attention: sequences that each have so many tokens in the cache and so many new ones.</summary>
/// <param name="Window">Positions that a token sees; 0 for all.</param>
internal sealed record AttentionLoad(
    int QueryHeads, int KeyValueHeads, int HeadSize, int Sequences, int NewTokens, int Past, int Window = 0)
{
    /// <summary>The attribute of either operator.</summary>
    public (string Name, object Value) WindowAttribute => ("local_window_size", Window > 0 ? (long)Window : -1L);

    /// <summary>Tokens of one sequence, the new ones included.</summary>
    public int Length => Past + NewTokens;

    public int QkvWidth => (QueryHeads + (2 * KeyValueHeads)) * HeadSize;

    /// <summary>Floats of keys, or of values, that one layer holds for all sequences.</summary>
    public long CacheFloats => (long)Sequences * Length * KeyValueHeads * HeadSize;

    /// <summary>
    /// Layers of the measured graph: as in a model each has a cache of its own, and together they are larger than any cache of the
    /// processor.
    /// </summary>
    public int Layers => (int)Math.Clamp(128L * 1024 * 1024 / (2 * sizeof(float) * CacheFloats), 1, 128);
}
