using System.Text.Json.Nodes;
using Parley.ModelImporter.Gguf.Metadata;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>LFM2 with experts. The file does not say that scores are divided by their sum, nor their factor.</summary>
internal sealed class Lfm2MoeGguf : GgufFamily
{
    private const long Sigmoid = 2;

    public override string Architecture => "lfm2moe";

    public override IReadOnlyList<string> ModelTypes { get; } = ["lfm2_moe"];

    public override (string Key, string? Field) Epsilon => ("attention.layer_norm_rms_epsilon", "norm_eps");

    public override double ClassBase => 1_000_000;

    public override IReadOnlyDictionary<string, string> Modules { get; } = new Dictionary<string, string>(
        [
            .. Lfm2Gguf.OwnModules,
            .. GgufExperts.Modules("feed_forward.gate", "feed_forward.experts")
                .Select(module => KeyValuePair.Create(module.Module, module.Name)),
            KeyValuePair.Create("exp_probs_b", "feed_forward.exp_probs_b"),
        ], StringComparer.Ordinal);

    public override IReadOnlyCollection<string> Honoured { get; } = GgufExperts.Keys;

    public override IReadOnlyList<string> Notes { get; } =
    [
        "the file does not say whether chosen experts' scores are divided by their sum, nor their factor: yes, and 1, as in llama.cpp.",
    ];

    public override long? Size(GgufKeys keys, string field) => Lfm2Gguf.SizeOf(keys, field);

    public override void Complete(GgufSource source, JsonObject config)
    {
        var keys = source.Keys;
        GgufSource.SetType(config, "Lfm2MoeForCausalLM", "lfm2_moe");
        Lfm2Gguf.SetLayers(source, config);
        GgufExperts.Set(source, config, "num_experts", "moe_intermediate_size");
        if (keys.Value("expert_gating_func") is not (null or Sigmoid))
            throw keys.NeedsConfig($"{keys.Architecture}.expert_gating_func is {keys.Value("expert_gating_func")}, not {Sigmoid}");
        config["num_dense_layers"] = keys.Count("leading_dense_block_count") ?? 0;
        config["use_expert_bias"] = source.Tensors.Any(name => name.EndsWith(".exp_probs_b.bias", StringComparison.Ordinal));
        config["norm_topk_prob"] = keys.Value("expert_weights_norm") is not false;
        config["routed_scaling_factor"] = keys.Positive("expert_weights_scale") ?? 1;
    }
}
