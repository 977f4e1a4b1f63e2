using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>
/// Latent attention: DeepSeek-V2, V3 and GLM-4.7-Flash. The head that the file states is the cache's; sizes of queries and values have
/// keys of their own. Which family it is, the way of scoring says, and where the file is silent of that, whether the choice is corrected.
/// </summary>
internal sealed class Deepseek2Gguf : GgufFamily
{
    private const long Softmax = 1;
    private const long Sigmoid = 2;

    /// <summary>The converter multiplies with it, other families' does not.</summary>
    private const double LogFactor = 0.1;

    public override string Architecture => "deepseek2";

    public override IReadOnlyList<string> ModelTypes { get; } = ["deepseek_v3", "deepseek_v2", "glm4_moe_lite"];

    public override bool IsLatent => true;

    public override IReadOnlyDictionary<string, string> Modules { get; } = With(
        [.. GgufExperts.Modules("mlp.gate", "mlp.experts"), ("exp_probs_b", "mlp.exp_probs_b"),
            ("attn_q_a", "self_attn.q_a_proj"), ("attn_q_b", "self_attn.q_b_proj"), ("attn_q_a_norm", "self_attn.q_a_layernorm"),
            ("attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa"), ("attn_kv_a_norm", "self_attn.kv_a_layernorm"),
            ("attn_kv_b", "self_attn.kv_b_proj"), ("attn_k_b", "self_attn.k_b_proj"), ("attn_v_b", "self_attn.v_b_proj"),
            ("ffn_gate_shexp", "mlp.shared_experts.gate_proj"), ("ffn_up_shexp", "mlp.shared_experts.up_proj"),
            ("ffn_down_shexp", "mlp.shared_experts.down_proj")]);

    public override IReadOnlyCollection<string> Honoured { get; } =
        [.. GgufExperts.Keys, "nextn_predict_layers", "rope.dimension_count", "rope.scaling.attn_factor"];

    public override void Complete(GgufSource source, JsonObject config)
    {
        var keys = source.Keys;
        if (keys.Value("attention.temperature_scale") is not (null or 0.0))
            throw keys.NeedsConfig($"{keys.Architecture}.attention.temperature_scale is {keys.Value("attention.temperature_scale")}");
        SetSizes(source, config);
        GgufExperts.Set(source, config, "n_routed_experts", "moe_intermediate_size");
        config["num_nextn_predict_layers"] = keys.Count("nextn_predict_layers") ?? 0;
        config["n_shared_experts"] = keys.Count("expert_shared_count") ?? 0;
        config["first_k_dense_replace"] = keys.Count("leading_dense_block_count") ?? 0;
        config["routed_scaling_factor"] = keys.Positive("expert_weights_scale") ?? 1;
        config["norm_topk_prob"] = keys.Value("expert_weights_norm") is true;
        config["attention_bias"] = source.HasBias("attn_kv_a_mqa");
        var (groups, chosen) = (keys.Count("expert_group_count") ?? 1, keys.Count("expert_group_used_count") ?? 1);
        (config["n_group"], config["topk_group"]) = (groups, chosen);
        if (IsSigmoid(source))
        {
            GgufSource.SetType(config, "DeepseekV3ForCausalLM", "deepseek_v3");
            config["rope_interleave"] = true;
        }
        else
        {
            GgufSource.SetType(config, "DeepseekV2ForCausalLM", "deepseek_v2");
            config["topk_method"] = groups > 1 ? "group_limited_greedy" : "greedy";
        }

        if (source.Scaling("yarn") is not { } scaling)
            return;
        foreach (var field in new[] { "mscale", "mscale_all_dim" })
        {
            if (scaling[field] is { } number)
                scaling[field] = number.GetValue<double>() / LogFactor;
        }

        config["rope_scaling"] = scaling;
    }

    private static void SetSizes(GgufSource source, JsonObject config)
    {
        const string Query = "attention.key_length_mla";
        var keys = source.Keys;
        // Files of before have whole heads, and say their sizes where others say the cache's.
        var isSplit = keys.Value(Query) is not null;
        var turning = source.HeadSize;
        var query = keys.Size(isSplit ? Query : "attention.key_length");
        if (query <= turning)
            throw keys.Fault($"{keys.Architecture}.{Query} is {query}, no more than what turns of it, {turning}.");
        config["num_key_value_heads"] = keys.Size("attention.head_count");
        config["q_lora_rank"] = keys.Count("attention.q_lora_rank");
        config["kv_lora_rank"] = keys.Size("attention.kv_lora_rank");
        config["qk_rope_head_dim"] = turning;
        config["qk_nope_head_dim"] = query - turning;
        config["v_head_dim"] = keys.Size(isSplit ? "attention.value_length_mla" : "attention.value_length");
    }

    /// <exception cref="InvalidDataException">It is another way of scoring.</exception>
    private static bool IsSigmoid(GgufSource source) => source.Keys.Value("expert_gating_func") switch
    {
        Sigmoid => true,
        Softmax => false,
        null or 0L => source.Tensors.Any(name => name.EndsWith(".exp_probs_b.bias", StringComparison.Ordinal)),
        var other => throw source.Keys.NeedsConfig($"{source.Keys.Architecture}.expert_gating_func is {other}"),
    };
}
