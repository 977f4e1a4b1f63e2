namespace Parley.ModelImporter.Architectures;

/// <summary>DeepSeek-V3 and R1: latent attention; experts by their sigmoid, chosen in groups with a correction.</summary>
internal sealed class DeepseekV3Architecture : LatentArchitecture
{
    public override string Name => "DeepseekV3ForCausalLM";

    public override string ModelType => "deepseek_v3";

    /// <remarks>Groups, dense layers and experts per token may be null there, and then the model cannot be run.</remarks>
    protected override IReadOnlyList<string> NeverNull { get; } =
    [
        "n_routed_experts", "n_shared_experts", "num_experts_per_tok", "n_group", "topk_group", "first_k_dense_replace",
        "routed_scaling_factor", "moe_intermediate_size",
    ];

    protected override SizeDefaults Defaults { get; } = new(61, 7168, 18_432, 128, 128, 129_280, 4096);

    protected override LatentSettings LatentDefaults { get; } = new(1536, 512, 128, 64, 128);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var mixture = MixtureFields.Read(
            config, common.Activation, ("n_routed_experts", 256, "num_local_experts"), 8,
            config.Int("moe_intermediate_size", 1, 1 << 22, 2048), RouterScoring.Sigmoid);
        return ReadLayers(config, common, Flag(config, "rope_interleave"), MixtureFields.ReadGroups(config, mixture, 8, 4) with
        {
            Normalizes = Flag(config, "norm_topk_prob"),
            NormalizeEpsilon = 1e-20,
            HasCorrection = true,
            Scale = 2.5,
            SharedWidth = 1,
            DenseLayers = MixtureFields.ReadFirstDense(config, common.Shape.Layers, 3),
        });
    }

    /// <summary>True where it is missing, false where it is null.</summary>
    private static bool Flag(ConfigFile config, string field) => config.Bool(field, !config.Names(field));
}
