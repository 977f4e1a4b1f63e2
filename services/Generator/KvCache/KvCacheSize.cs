namespace Parley.Generator.KvCache;

/// <summary>How many blocks the cache has and how long one sequence can therefore be.</summary>
/// <param name="BlockCount">Blocks of <see cref="GeneratorOptions.KvBlockTokens"/> positions.</param>
/// <param name="ContextTokensMax">Prompt and answer of one sequence.</param>
internal readonly record struct KvCacheSize(int BlockCount, int ContextTokensMax)
{
    /// <summary>Slots for the states of sequences; 0 where the model has none.</summary>
    public int StateSlots { get; init; }

    /// <summary>Blocks that one sequence of a length holds at most: those within the window where every layer has one.</summary>
    /// <param name="options">Block size, tokens of a step, drafts.</param>
    /// <param name="contextTokens">The sequence's length.</param>
    /// <param name="windowTokens">Positions behind which no layer looks; null where one looks at everything.</param>
    public static int BlocksHeld(GeneratorOptions options, int contextTokens, int? windowTokens)
    {
        var blocks = (contextTokens + options.KvBlockTokens - 1) / options.KvBlockTokens;
        return windowTokens is not { } window ? blocks
            : Math.Min(blocks, new KvWindow(window, options.StepTokensMax + options.DraftTokensMax).BlocksMax(options.KvBlockTokens));
    }
}
