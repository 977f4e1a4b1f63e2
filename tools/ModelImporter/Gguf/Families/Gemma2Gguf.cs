using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Gemma 2, with its soft caps and windows.</summary>
internal sealed class Gemma2Gguf : GgufFamily
{
    public override string Architecture => "gemma2";

    public override IReadOnlyList<string> ModelTypes { get; } = ["gemma2"];

    /// <summary>What Gemma 3 calls its norms, too.</summary>
    public static IReadOnlyDictionary<string, string> Sandwich { get; } = With(
        ("post_attention_norm", "post_attention_layernorm"), ("ffn_norm", "pre_feedforward_layernorm"),
        ("post_ffw_norm", "post_feedforward_layernorm"));

    private const long LargestLayers = 46;

    public override IReadOnlyDictionary<string, string> Modules => Sandwich;

    public override IReadOnlyCollection<string> Honoured { get; } =
        ["attention.sliding_window", "attn_logit_softcapping", "final_logit_softcapping"];

    public override IReadOnlyList<string> Notes { get; } = [ScaleNote];

    /// <summary>What Gemma 3 leaves open, too.</summary>
    public const string ScaleNote =
        "a GGUF file of this architecture cannot say query_pre_attn_scalar: it is the size of a head, and hidden_size / heads in the 27B.";

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Gemma2ForCausalLM", "gemma2");
        SetScale(source, config, LargestLayers);
        config["sliding_window"] = source.Keys.Count("attention.sliding_window") ?? 4096;
        config["attn_logit_softcapping"] = source.Keys.Positive("attn_logit_softcapping");
        config["final_logit_softcapping"] = source.Keys.Positive("final_logit_softcapping");
    }

    /// <summary>As llama.cpp has it.</summary>
    public static void SetScale(GgufSource source, JsonObject config, long largestLayers) =>
        config["query_pre_attn_scalar"] = source.Keys.Size("block_count") == largestLayers
            ? source.Keys.Size("embedding_length") / source.Keys.Size("attention.head_count") : source.HeadSize;
}
