using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Llama, and Mistral and Mixtral without their window.</summary>
internal sealed class LlamaGguf : GgufFamily
{
    private const double MixtralBase = 1_000_000;

    public override string Architecture => "llama";

    public override IReadOnlyList<string> ModelTypes { get; } = ["llama", "mixtral"];

    public override IReadOnlyDictionary<string, string> Modules { get; } =
        With(GgufExperts.Modules("block_sparse_moe.gate", "block_sparse_moe.experts"));

    public override IReadOnlyCollection<string> Honoured { get; } = GgufExperts.Keys.ToArray();

    public override bool IsPermuted => true;

    public override IReadOnlyList<string> Notes { get; } =
    [
        "a GGUF file of this architecture cannot say whether attention has a window (Mistral 7B v0.1: 4096), nor that positions are scaled "
        + "dynamically: every position attends to all before it. Put the model's config.json beside the file where it has one of these.",
    ];

    public override void Complete(GgufSource source, JsonObject config)
    {
        if (source.Keys.Count("expert_count") is not null)
        {
            CompleteMixtral(source, config);
            return;
        }

        GgufSource.SetType(config, "LlamaForCausalLM", "llama");
        config["hidden_act"] = "silu";
        config["attention_bias"] = source.HasBias("attn_q");
        config["mlp_bias"] = source.HasBias("ffn_gate");
        if (source.Scaling() is { } scaling)
            config["rope_scaling"] = scaling;
    }

    private static void CompleteMixtral(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "MixtralForCausalLM", "mixtral");
        GgufExperts.Set(source, config, "num_local_experts", "intermediate_size");
        config["sliding_window"] = null;
        config["rope_theta"] = source.Keys.Number("rope.freq_base", MixtralBase);
        if (source.Scaling() is { } scaling)
            config["rope_scaling"] = scaling;
    }
}
