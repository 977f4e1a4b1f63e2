namespace Parley.ModelImporter.Architectures;

/// <summary>LFM2 with experts by their sigmoid, chosen with a correction; the first layers are dense.</summary>
internal sealed class Lfm2MoeArchitecture : DecoderArchitecture
{
    public override string Name => "Lfm2MoeForCausalLM";

    public override string ModelType => "lfm2_moe";

    protected override IReadOnlyList<string> NeverNull { get; } =
    [
        "conv_L_cache", "conv_bias", "moe_intermediate_size", "norm_topk_prob", "num_dense_layers", "num_key_value_heads",
        "routed_scaling_factor", "tie_embedding", "use_expert_bias",
    ];

    protected override SizeDefaults Defaults { get; } = new(32, 2048, 7168, 32, 8, 65_536, 128_000, IsTied: true);

    protected override (string? Field, double Default) EpsilonField => ("norm_eps", 1e-5);

    public override IReadOnlyList<string> Silent { get; } = [.. MixtureFields.Silent, "rms_norm_eps"];

    protected override TensorNames Names { get; } = Lfm2Architecture.OwnNames with
    {
        Experts = new ExpertNames
        {
            Router = "feed_forward.gate",
            Correction = "feed_forward.expert_bias",
            Experts = "feed_forward.experts",
            Gate = "w1",
            Up = "w3",
            Down = "w2",
        },
    };

    /// <summary>As GGUF files have it.</summary>
    protected override IReadOnlyList<(string Found, string Known)> OtherNames { get; } =
        [(".feed_forward.exp_probs_b.bias", ".feed_forward.expert_bias")];

    /// <summary>The class has no other.</summary>
    protected override Activation ReadActivation(ConfigFile config) => Activation.Silu;

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        if (!config.Has("layer_types"))
            throw config.Unsupported("layer_types", "missing", "a type for each layer");
        var read = Lfm2Architecture.ReadLayers(config, common);
        return read with
        {
            Mixture = MixtureFields.Read(
                config, common.Activation, ("num_experts", 32, "num_local_experts"), 4,
                config.Int("moe_intermediate_size", 1, 1 << 22, 1792), RouterScoring.Sigmoid) with
            {
                Normalizes = config.Bool("norm_topk_prob", true),
                NormalizeEpsilon = 1e-6,
                Scale = config.Positive("routed_scaling_factor", 1e6, 1),
                HasCorrection = config.Bool("use_expert_bias", true),
                DenseLayers = Enumerable.Range(0, Math.Min(common.Shape.Layers, config.Int("num_dense_layers", 0, 1 << 12, 2))).ToHashSet(),
            },
        };
    }
}
