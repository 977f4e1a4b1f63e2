namespace Parley.Generator.KvCache;

/// <summary>How many blocks the cache has and how long one sequence can therefore be.</summary>
/// <param name="BlockCount">Blocks of <see cref="GeneratorOptions.KvBlockTokens"/> positions.</param>
/// <param name="ContextTokensMax">Prompt and answer of one sequence.</param>
internal readonly record struct KvCacheSize(int BlockCount, int ContextTokensMax);
