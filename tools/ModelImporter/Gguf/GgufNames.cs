namespace Parley.ModelImporter.Gguf;

/// <summary>Names of llama.cpp's tensors as Hugging Face has them.</summary>
internal static class GgufNames
{
    private static readonly Dictionary<string, string> Whole = new(StringComparer.Ordinal)
    {
        ["token_embd.weight"] = "model.embed_tokens.weight",
        ["output_norm.weight"] = "model.norm.weight",
        ["token_embd_norm.weight"] = "model.embedding_norm.weight",
        ["output_norm.bias"] = "model.norm.bias",
        ["output.weight"] = "lm_head.weight",
    };

    /// <summary>By what Llama 3 divides the frequencies of its positions; Hugging Face computes it from <c>config.json</c>.</summary>
    public const string RotaryFactors = "rope_freqs.weight";

    /// <summary>longrope: by what it divides them in short texts, and in long ones.</summary>
    public const string ShortFactors = "rope_factors_short.weight";

    public const string LongFactors = "rope_factors_long.weight";

    /// <summary>Half of the largest head that is read.</summary>
    public const int RotaryFactorsMax = 2048;

    /// <summary>The name in Hugging Face's words; unknown names stay as they are, and are refused later as tensors too many.</summary>
    /// <param name="name">llama.cpp's.</param>
    /// <param name="modules">Modules of a layer.</param>
    public static string Translate(string name, IReadOnlyDictionary<string, string> modules)
    {
        if (Whole.TryGetValue(name, out var whole))
            return whole;
        var parts = name.Split('.');
        return parts is ["blk", var layer, .. { Length: > 0 } linear, "weight" or "bias"]
            && modules.TryGetValue(string.Join('.', linear), out var module)
            ? $"model.layers.{layer}.{module}.{parts[^1]}" : name;
    }

    /// <summary>Whether a tensor holds factors of the rotary pairs, which belong to no layer.</summary>
    public static bool IsRotaryFactors(string name) => name is RotaryFactors or ShortFactors or LongFactors;

    /// <summary>Whether the rows of a tensor are queries or keys, whose order llama.cpp changes.</summary>
    public static bool IsRotated(string name) =>
        name.Contains(".attn_q.", StringComparison.Ordinal) || name.Contains(".attn_k.", StringComparison.Ordinal);
}
