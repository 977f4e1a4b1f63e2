using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>GLM-4 0414: half of each head rotated, neighbours as in Hugging Face.</summary>
internal sealed class Glm4Gguf : GgufFamily
{
    public override string Architecture => "glm4";

    public override IReadOnlyList<string> ModelTypes { get; } = ["glm4"];

    public override IReadOnlyDictionary<string, string> Modules { get; } = With(
        ("post_attention_norm", "post_self_attn_layernorm"), ("post_ffw_norm", "post_mlp_layernorm"), ("ffn_up", "mlp.gate_up_proj"));

    public override IReadOnlyCollection<string> Honoured { get; } = ["rope.dimension_count"];

    public override void Complete(GgufSource source, JsonObject config)
    {
        GgufSource.SetType(config, "Glm4ForCausalLM", "glm4");
        config["attention_bias"] = source.HasBias("attn_q");
        config["rope_parameters"] = new JsonObject
        {
            ["rope_type"] = "default",
            ["rope_theta"] = source.Keys.Number("rope.freq_base", 10_000),
            ["partial_rotary_factor"] = (double)source.Keys.Size("rope.dimension_count", source.HeadSize) / source.HeadSize,
        };
        if (source.Scaling("yarn") is not null)
            throw source.Keys.NeedsConfig("positions are scaled, which no published model of this architecture has");
    }
}
