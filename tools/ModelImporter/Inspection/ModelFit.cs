namespace Parley.ModelImporter.Inspection;

/// <summary>What of a model fits this machine's memory.</summary>
internal static class ModelFit
{
    /// <summary>Part of the memory that weights and cache may take.</summary>
    private const double Part = 0.9;

    /// <summary>Bytes of a number of the cache by its precision, and what a token and head has beside its numbers, nearly.</summary>
    private static readonly (string Name, double Share)[] Caches = [("fp32", 1), ("fp16", 0.5), ("int8", 0.27)];

    /// <summary>One sentence for the cache, and one for each precision of the weights.</summary>
    public static IEnumerable<string> Describe(ModelTree tree) =>
        Describe(tree, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <summary>The same for a machine of another size.</summary>
    /// <param name="tree">The model.</param>
    /// <param name="memoryBytes">The machine's memory.</param>
    public static IEnumerable<string> Describe(ModelTree tree, long memoryBytes)
    {
        yield return "a token takes "
            + string.Join(", ", Caches.Select(cache => $"{tree.CacheBytesPerToken * cache.Share:N0} bytes of {cache.Name} cache"))
            + (tree.WindowTokens is { } window
                ? $"; no layer looks back further than {window:N0} tokens, so no sequence holds many more" : "");
        var memory = $"the {memoryBytes / 1e9:N1} GB of this machine";
        foreach (var size in tree.Sizes.Where(size => size.Bytes is not null))
        {
            var left = (long)(memoryBytes * Part) - size.Bytes!.Value;
            var tokens = Caches.Select(cache => (cache.Name, Tokens: (long)(left / (tree.CacheBytesPerToken * cache.Share)))).ToList();
            var most = tokens.Select(entry => $"{Math.Min(entry.Tokens, tree.ContextTokensMax):N0} tokens ({entry.Name} cache)");
            yield return left <= 0 ? $"{size.Precision}: does not fit {memory}"
                : tokens[0].Tokens >= tree.ContextTokensMax
                    ? $"{size.Precision}: fits {memory} at its whole context of {tree.ContextTokensMax:N0} tokens, "
                        + $"{tokens[0].Tokens / Math.Max(tree.ContextTokensMax, 1):N0} times over"
                    : $"{size.Precision}: fits {memory} at {string.Join(", ", most)}";
        }
    }
}
