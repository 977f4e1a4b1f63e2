namespace Parley.ModelImporter.Architectures;

/// <summary>Granite 3 with experts: the softmax is over the chosen ones.</summary>
internal sealed class GraniteMoeArchitecture : DecoderArchitecture
{
    public override string Name => "GraniteMoeForCausalLM";

    public override string ModelType => "granitemoe";

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 11_008, 32, null, 32_000, 2048);

    protected override TensorNames Names { get; } = BlockNames;

    protected override IReadOnlyList<(string Found, string Known)> OtherNames { get; } = BlockOtherNames;

    public override IReadOnlyList<string> Silent { get; } = MixtureFields.Silent;

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common) => ReadShared(config, common);

    /// <summary>What the family with a shared MLP calls its modules, too.</summary>
    public static TensorNames BlockNames { get; } = new()
    {
        Experts = new ExpertNames
        {
            Router = "block_sparse_moe.router.layer",
            Experts = "block_sparse_moe.experts",
            SharedGateUp = ["shared_mlp.gate_proj", "shared_mlp.up_proj"],
            SharedStack = "shared_mlp.input_linear",
            SharedDown = "shared_mlp.output_linear",
        },
    };

    /// <summary>As the class has them and as checkpoints do.</summary>
    public static IReadOnlyList<(string Found, string Known)> BlockOtherNames { get; } =
    [
        (".block_sparse_moe.router.weight", ".block_sparse_moe.router.layer.weight"),
        (".block_sparse_moe.input_linear.weight", ".block_sparse_moe.experts.gate_up_proj"),
        (".block_sparse_moe.output_linear.weight", ".block_sparse_moe.experts.down_proj"),
    ];

    /// <summary>What the family with a shared MLP has, too.</summary>
    public static DecoderConfig ReadShared(ConfigFile config, DecoderConfig common) =>
        GraniteArchitecture.ReadFactors(config, common) with
        {
            Mixture = MixtureFields.Read(config, common.Activation, ("num_local_experts", 8, "num_experts"), 2,
                common.Shape.IntermediateSize, RouterScoring.SoftmaxOfChosen),
        };
}
