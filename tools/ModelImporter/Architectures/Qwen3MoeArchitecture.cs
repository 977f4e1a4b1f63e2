namespace Parley.ModelImporter.Architectures;

/// <summary>Qwen 3 with experts in all layers, or in some.</summary>
internal sealed class Qwen3MoeArchitecture : DecoderArchitecture
{
    public override string Name => "Qwen3MoeForCausalLM";

    public override string ModelType => "qwen3_moe";

    public override IReadOnlyList<int> ClassEnds { get; } = [];

    protected override IReadOnlyList<string> NeverNull { get; } =
        ["num_experts", "num_experts_per_tok", "use_sliding_window", "num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(24, 2048, 6144, 32, 4, 151_936, 32_768);

    public override IReadOnlyList<string> Silent { get; } = [.. MixtureFields.Silent, "max_window_layers"];

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        WindowFields.RefuseTypes(config, common.Shape.Layers);
        config.RefuseNull("norm_topk_prob", "moe_intermediate_size", "decoder_sparse_step");
        var bias = config.Bool("attention_bias", false);
        var window = config.Bool("use_sliding_window", false) ? WindowFields.ReadWindow(config, 4096) : 0;
        _ = config.Has("sliding_window");
        var step = config.Int("decoder_sparse_step", 1, 1 << 12, 1);
        var dense = config.WholeNumbers("mlp_only_layers");
        return common with
        {
            Layers = Repeat(common, Attention(common, Rotary(config, common).Read()) with
            {
                HeadNorm = new HeadNorm(HeadNormKind.PerHead, common.Norm),
                Window = window,
            }),
            AttentionBias = bias,
            OutputBias = bias,
            Mixture = MixtureFields.Read(config, common.Activation, ("num_experts", 128, "num_local_experts"), 8,
                config.Int("moe_intermediate_size", 1, 1 << 22, 768), RouterScoring.SoftmaxOfAll) with
            {
                Normalizes = config.Bool("norm_topk_prob", false),
                DenseLayers = Enumerable.Range(0, common.Shape.Layers)
                    .Where(layer => (layer + 1) % step != 0 || dense.Contains(layer)).ToHashSet(),
            },
        };
    }
}
