using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>GLM-4.5 and later. Blocks that predict further tokens count as blocks there.</summary>
internal sealed class Glm4MoeGguf : GgufFamily
{
    private const long Sigmoid = 2;

    public override string Architecture => "glm4moe";

    public override IReadOnlyList<string> ModelTypes { get; } = ["glm4_moe"];

    public override IReadOnlyDictionary<string, string> Modules { get; } = With(
        [.. GgufExperts.Modules("mlp.gate", "mlp.experts"), ("exp_probs_b", "mlp.exp_probs_b"),
            ("post_attention_norm", "post_attention_layernorm"), ("ffn_gate_shexp", "mlp.shared_experts.gate_proj"),
            ("ffn_up_shexp", "mlp.shared_experts.up_proj"), ("ffn_down_shexp", "mlp.shared_experts.down_proj")]);

    public override IReadOnlyCollection<string> Honoured { get; } =
        [.. GgufExperts.Keys, "nextn_predict_layers", "rope.dimension_count"];

    public override void Complete(GgufSource source, JsonObject config)
    {
        var keys = source.Keys;
        GgufSource.SetType(config, "Glm4MoeForCausalLM", "glm4_moe");
        GgufExperts.Set(source, config, "n_routed_experts", "moe_intermediate_size");
        if (keys.Value("expert_gating_func") is not (null or Sigmoid))
            throw keys.NeedsConfig($"{keys.Architecture}.expert_gating_func is {keys.Value("expert_gating_func")}, not {Sigmoid}");
        var further = keys.Count("nextn_predict_layers") ?? 0;
        config["num_nextn_predict_layers"] = further;
        config["n_shared_experts"] = keys.Count("expert_shared_count") ?? 0;
        config["n_group"] = keys.Count("expert_group_count") ?? 1;
        config["topk_group"] = keys.Count("expert_group_used_count") ?? 1;
        config["first_k_dense_replace"] = keys.Count("leading_dense_block_count") ?? 0;
        config["routed_scaling_factor"] = keys.Positive("expert_weights_scale") ?? 1;
        config["norm_topk_prob"] = keys.Value("expert_weights_norm") is true;
        config["use_qk_norm"] = source.Tensors.Contains("blk.0.attn_q_norm.weight");
        config["attention_bias"] = source.HasBias("attn_q");
        config["rope_parameters"] = new JsonObject
        {
            ["rope_type"] = "default",
            ["rope_theta"] = keys.Number("rope.freq_base", 10_000),
            ["partial_rotary_factor"] = (double)keys.Size("rope.dimension_count", source.HeadSize) / source.HeadSize,
        };
        if (source.Scaling("yarn") is not null)
            throw keys.NeedsConfig("positions are scaled, which no published model of this architecture has");
    }
}
