using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>What GGUF files say of gated delta rules, in the three families that have them.</summary>
internal static class GgufDelta
{
    private const string Interval = "full_attention_interval";
    private const string Types = "attention.recurrent_layers";
    private const string Further = "nextn_predict_layers";
    private const string Turning = "rope.dimension_count";

    /// <summary>Modules of all three.</summary>
    public static IReadOnlyList<(string Module, string Name)> Modules { get; } =
    [
        ("post_attention_norm", "post_attention_layernorm"), ("attn_qkv", "linear_attn.in_proj_qkv"),
        ("attn_gate", "linear_attn.in_proj_z"), ("ssm_alpha", "linear_attn.in_proj_a"), ("ssm_beta", "linear_attn.in_proj_b"),
        ("ssm_ba", "linear_attn.in_proj_ba"), ("ssm_in", "linear_attn.in_proj_qkvz"), ("ssm_conv1d", "linear_attn.conv1d"),
        ("ssm_dt", "linear_attn.dt"), ("ssm_a", "linear_attn.A_log"), ("ssm_norm", "linear_attn.norm"), ("ssm_out", "linear_attn.out_proj"),
    ];

    /// <summary>Modules of the two with experts.</summary>
    public static IReadOnlyList<(string Module, string Name)> MixtureModules { get; } =
    [
        .. Modules, .. GgufExperts.Modules("mlp.gate", "mlp.experts"), ("ffn_gate_inp_shexp", "mlp.shared_expert_gate"),
        ("ffn_gate_shexp", "mlp.shared_expert.gate_proj"), ("ffn_up_shexp", "mlp.shared_expert.up_proj"),
        ("ffn_down_shexp", "mlp.shared_expert.down_proj"),
    ];

    /// <summary>Keys of all three that change what is computed.</summary>
    public static IReadOnlyList<string> Honoured { get; } = [Further, Turning];

    /// <summary>Sets sizes, types of layers and positions.</summary>
    public static void Set(GgufSource source, JsonObject config)
    {
        var keys = source.Keys;
        var values = keys.Size("ssm.time_step_rank");
        config["linear_conv_kernel_dim"] = keys.Size("ssm.conv_kernel");
        config["linear_num_key_heads"] = keys.Size("ssm.group_count");
        config["linear_key_head_dim"] = keys.Size("ssm.state_size");
        config["linear_num_value_heads"] = values;
        var inner = keys.Size("ssm.inner_size");
        config["linear_value_head_dim"] = inner % values == 0 ? inner / values
            : throw keys.Fault($"{keys.Architecture}.ssm.inner_size is {inner}, no multiple of ssm.time_step_rank, {values}.");
        config["layer_types"] = LayerTypes(source, (int)(keys.Size("block_count") - (keys.Count(Further) ?? 0)));
        config["mtp_num_hidden_layers"] = keys.Count(Further) ?? 0;
        config["attention_bias"] = source.Tensors.Any(name => name.EndsWith(".attn_q.bias", StringComparison.Ordinal));
        config["partial_rotary_factor"] = (double)keys.Size(Turning, source.HeadSize) / source.HeadSize;
        if (source.Scaling("yarn") is { } scaling)
        {
            scaling["partial_rotary_factor"] = config["partial_rotary_factor"]!.DeepClone();
            config["rope_scaling"] = scaling;
        }
    }

    private static JsonArray LayerTypes(GgufSource source, int layers)
    {
        if (source.Keys.Flags(Types) is not { } recurs)
        {
            var interval = source.Keys.Size(Interval, 4);
            recurs = [.. Enumerable.Range(1, layers).Select(layer => layer % interval != 0)];
        }

        return recurs.Count < layers
            ? throw source.Keys.Fault($"{source.Keys.Architecture}.{Types} has {recurs.Count} entries for {layers} layers.")
            : new JsonArray([.. recurs.Take(layers).Select(recur => (JsonNode)(recur ? "linear_attention" : "full_attention"))]);
    }
}
