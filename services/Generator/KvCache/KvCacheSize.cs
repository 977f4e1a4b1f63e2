namespace Parley.Generator.KvCache;

/// <summary>How many blocks the cache has and how long one sequence can therefore be.</summary>
/// <param name="BlockCount">Blocks of <see cref="GeneratorOptions.KvBlockTokens"/> positions.</param>
/// <param name="ContextTokensMax">Prompt and answer of one sequence.</param>
internal readonly record struct KvCacheSize(int BlockCount, int ContextTokensMax)
{
    /// <summary>As many blocks as the options allow, and no more than all sequences at once could fill.</summary>
    /// <param name="options">Megabytes, block size, sequences and context.</param>
    /// <param name="modelContextTokens">Positions that the model was made for.</param>
    /// <param name="bytesPerToken">Keys and values of one token over all layers.</param>
    /// <param name="windowTokens">Positions behind which no layer looks; null where one looks at everything.</param>
    /// <exception cref="InvalidDataException">Not even one block fits.</exception>
    public static KvCacheSize Compute(
        GeneratorOptions options, int modelContextTokens, int bytesPerToken, int? windowTokens = null)
    {
        var context = options.ContextTokensMax == 0 ? modelContextTokens : Math.Min(options.ContextTokensMax, modelContextTokens);
        var blockBytes = (long)options.KvBlockTokens * bytesPerToken;
        var memoryBytes = (long)(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes * options.KvCacheMemoryFractionMax);
        var bytes = Math.Min(options.KvCacheMegabytes * 1024L * 1024L, memoryBytes);
        var blocksPerSequence = (context + options.KvBlockTokens - 1) / options.KvBlockTokens;
        var stepTokens = options.StepTokensMax + options.DraftTokensMax;
        var held = windowTokens is not { } window ? blocksPerSequence
            : Math.Min(blocksPerSequence, new KvWindow(window, stepTokens).BlocksMax(options.KvBlockTokens));
        var useful = (long)held * options.RunningSequencesMax;
        var count = (int)Math.Min(Math.Min(bytes / blockBytes, useful), Array.MaxLength / options.KvBlockTokens);
        if (count < 1)
        {
            throw new InvalidDataException(
                $"A KV block of {options.KvBlockTokens} tokens takes {blockBytes} bytes, the cache may have {bytes}: "
                + "raise Generator:KvCacheMegabytes or lower Generator:KvBlockTokens.");
        }

        return new KvCacheSize(count, count >= held ? context : (int)Math.Min(context, (long)count * options.KvBlockTokens));
    }
}
