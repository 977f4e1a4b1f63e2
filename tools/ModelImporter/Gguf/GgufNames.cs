namespace Parley.ModelImporter.Gguf;

/// <summary>Names of llama.cpp's tensors of the Llama architecture as Hugging Face has them.</summary>
internal static class GgufNames
{
    private static readonly Dictionary<string, string> Whole = new(StringComparer.Ordinal)
    {
        ["token_embd.weight"] = "model.embed_tokens.weight",
        ["output_norm.weight"] = "model.norm.weight",
        ["output.weight"] = "lm_head.weight",
    };

    private static readonly Dictionary<string, string> OfLayer = new(StringComparer.Ordinal)
    {
        ["attn_norm"] = "input_layernorm",
        ["attn_q"] = "self_attn.q_proj",
        ["attn_k"] = "self_attn.k_proj",
        ["attn_v"] = "self_attn.v_proj",
        ["attn_output"] = "self_attn.o_proj",
        ["ffn_norm"] = "post_attention_layernorm",
        ["ffn_gate"] = "mlp.gate_proj",
        ["ffn_up"] = "mlp.up_proj",
        ["ffn_down"] = "mlp.down_proj",
    };

    /// <summary>By what Llama 3 divides the frequencies of its positions; Hugging Face computes it from <c>config.json</c>.</summary>
    public const string RotaryFactors = "rope_freqs.weight";

    /// <summary>Half of the largest head that is read.</summary>
    public const int RotaryFactorsMax = 2048;

    /// <summary>The name in Hugging Face's words; unknown names stay as they are, and are refused later as tensors too many.</summary>
    public static string Translate(string name)
    {
        if (Whole.TryGetValue(name, out var whole))
            return whole;
        var parts = name.Split('.');
        return parts is ["blk", var layer, var linear, "weight" or "bias"] && OfLayer.TryGetValue(linear, out var module)
            ? $"model.layers.{layer}.{module}.{parts[3]}" : name;
    }

    /// <summary>Whether the rows of a tensor are queries or keys, whose order llama.cpp changes.</summary>
    public static bool IsRotated(string name) =>
        name.Contains(".attn_q.", StringComparison.Ordinal) || name.Contains(".attn_k.", StringComparison.Ordinal);
}
