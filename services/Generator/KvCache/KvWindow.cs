namespace Parley.Generator.KvCache;

/// <summary>
/// How far a model looks back, where every layer has a window: what lies behind it is given back while a sequence runs.
/// </summary>
/// <param name="Tokens">Positions of the largest window, a token itself included.</param>
/// <param name="StepTokens">New tokens of a sequence in one step at most, drafts included.</param>
internal sealed record KvWindow(int Tokens, int StepTokens)
{
    /// <summary>Keys are read in tiles of so many positions that begin at multiples of it.</summary>
    private const int TileTokens = 64;

    /// <summary>The first position that a step reads behind these tokens.</summary>
    public int FirstNeeded(int cachedLength) => Math.Max(cachedLength + 1 - Tokens, 0) / TileTokens * TileTokens;

    /// <summary>Blocks that a sequence holds at most, however long it is.</summary>
    public int BlocksMax(int blockTokens) =>
        (int)Math.Min(int.MaxValue, (((long)Tokens + TileTokens + StepTokens + blockTokens - 1) / blockTokens) + 1);
}
