namespace Parley.ModelImporter.Architectures;

/// <summary>GLM-4.7-Flash: GLM-4.5's experts over DeepSeek's latent attention; which layers are dense is said by layer.</summary>
internal sealed class Glm4MoeLiteArchitecture : LatentArchitecture
{
    private const string Dense = "dense";
    private const string Sparse = "sparse";

    public override string Name => "Glm4MoeLiteForCausalLM";

    public override string ModelType => "glm4_moe_lite";

    protected override IReadOnlyList<string> NeverNull { get; } =
    [
        "n_routed_experts", "n_shared_experts", "num_experts_per_tok", "num_key_value_heads", "norm_topk_prob", "rope_interleave",
        "n_group", "topk_group", "routed_scaling_factor", "moe_intermediate_size",
    ];

    protected override SizeDefaults Defaults { get; } = new(47, 2048, 10_240, 20, 20, 154_880, 202_752);

    protected override LatentSettings LatentDefaults { get; } = new(768, 512, 192, 64, 256);

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var mixture = MixtureFields.Read(
            config, common.Activation, ("n_routed_experts", 64, "num_local_experts"), 4,
            config.Int("moe_intermediate_size", 1, 1 << 22, 1536), RouterScoring.Sigmoid);
        mixture = MixtureFields.ReadGroups(config, mixture, 1, 1) with
        {
            Normalizes = config.Bool("norm_topk_prob", true),
            NormalizeEpsilon = 1e-20,
            HasCorrection = true,
            Scale = 1.8,
            SharedWidth = 1,
            DenseLayers = ReadDense(config, common.Shape.Layers),
        };
        return ReadLayers(config, common, config.Bool("rope_interleave", true), mixture, partial: 1);
    }

    private static IReadOnlySet<int> ReadDense(ConfigFile config, int layers)
    {
        if (!config.Has("mlp_layer_types"))
            return new HashSet<int> { 0 };
        var types = config.Texts("mlp_layer_types");
        if (types.Count != layers)
            throw config.Unsupported("mlp_layer_types", $"a list of {types.Count}", $"one for each of the {layers} layers");
        return types.FirstOrDefault(type => type is not (Dense or Sparse)) is { } other
            ? throw config.Unsupported("mlp_layer_types", $"a list with \"{other}\"", $"{Dense} and {Sparse}")
            : Enumerable.Range(0, layers).Where(layer => types[layer] == Dense).ToHashSet();
    }
}
