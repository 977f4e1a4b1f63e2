using System.Text.Json.Nodes;
using Parley.ModelImporter.Gguf.Metadata;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>Granite 4 hybrid: layers without keys are Mamba-2, and a key of positions says whether there are any.</summary>
internal sealed class GraniteHybridGguf : GgufFamily
{
    private const string SharedWidth = "expert_shared_feed_forward_length";
    private const string HasPositions = "rope.scaling.finetuned";

    public override string Architecture => "granitehybrid";

    public override IReadOnlyList<string> ModelTypes { get; } = ["granitemoehybrid"];

    public override bool IsPermuted => true;

    public override IReadOnlyDictionary<string, string> Modules { get; } =
        With([.. GgufExperts.Modules("block_sparse_moe.router.layer", "block_sparse_moe.experts"),
            ("ffn_gate_shexp", "shared_mlp.gate_proj"), ("ffn_up_shexp", "shared_mlp.up_proj"),
            ("ffn_down_shexp", "shared_mlp.output_linear"), ("ffn_gate", "shared_mlp.gate_proj"), ("ffn_up", "shared_mlp.up_proj"),
            ("ffn_down", "shared_mlp.output_linear"), ("ssm_in", "mamba.in_proj"), ("ssm_conv1d", "mamba.conv1d"), ("ssm_dt", "mamba.dt"),
            ("ssm_a", "mamba.A_log"), ("ssm_d", "mamba.D"), ("ssm_norm", "mamba.norm"), ("ssm_out", "mamba.out_proj")]);

    public override IReadOnlyCollection<string> Honoured { get; } =
        [.. GgufExperts.Keys, "attention.scale", "embedding_scale", "residual_scale", "logit_scale"];

    public override long? Size(GgufKeys keys, string field) =>
        field == "num_key_value_heads" ? keys.SizeOfAll("attention.head_count_kv", keys.Size("attention.head_count")) : null;

    public override void Complete(GgufSource source, JsonObject config)
    {
        var keys = source.Keys;
        GgufSource.SetType(config, "GraniteMoeHybridForCausalLM", "granitemoehybrid");
        GraniteGguf.SetFactors(source, config);
        config["attention_bias"] = source.Tensors.Any(name => name.EndsWith(".attn_q.bias", StringComparison.Ordinal));
        // llama.cpp takes its absence for true.
        config["position_embedding_type"] = keys.Value(HasPositions) is false ? "nope" : "rope";
        var keyHeads = keys.Flags("attention.head_count_kv")
            ?? throw keys.Fault($"{keys.Architecture}.attention.head_count_kv is no list with a number for each layer.");
        config["layer_types"] = new JsonArray([.. keyHeads.Select(has => (JsonNode)(has ? "full_attention" : "linear_attention"))]);
        var (heads, inner, hidden) = (keys.Size("ssm.time_step_rank"), keys.Size("ssm.inner_size"), keys.Size("embedding_length"));
        if (inner % hidden != 0 || inner % heads != 0)
        {
            throw keys.Fault($"{keys.Architecture}.ssm.inner_size is {inner}, no multiple of embedding_length, {hidden}, and of "
                + $"ssm.time_step_rank, {heads}.");
        }

        (config["mamba_n_heads"], config["mamba_d_head"], config["mamba_expand"]) = (heads, inner / heads, inner / hidden);
        config["mamba_d_state"] = keys.Size("ssm.state_size");
        config["mamba_n_groups"] = keys.Size("ssm.group_count");
        config["mamba_d_conv"] = keys.Size("ssm.conv_kernel");
        config["mamba_conv_bias"] = source.Tensors.Any(name => name.EndsWith(".ssm_conv1d.bias", StringComparison.Ordinal));
        config["mamba_proj_bias"] = source.Tensors.Any(name => name.EndsWith(".ssm_in.bias", StringComparison.Ordinal));
        SetMixture(source, config);
    }

    private static void SetMixture(GgufSource source, JsonObject config)
    {
        var keys = source.Keys;
        if (keys.Count("expert_count") is null)
        {
            config["num_local_experts"] = 0;
            config["shared_intermediate_size"] = keys.Size("feed_forward_length");
            return;
        }

        GgufExperts.Set(source, config, "num_local_experts", "intermediate_size");
        config["shared_intermediate_size"] = keys.Count(SharedWidth) ?? 0;
    }
}
