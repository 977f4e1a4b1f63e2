namespace Parley.ModelImporter.Architectures;

/// <summary>
/// DeepSeek-V2, its Lite and Coder: latent attention; experts by softmax, chosen from all or from the groups with the best ones.
/// transformers does not divide their weights by the sum, whatever <c>norm_topk_prob</c> says.
/// </summary>
internal sealed class DeepseekV2Architecture : LatentArchitecture
{
    private const string Greedy = "greedy";
    private const string Limited = "group_limited_greedy";

    public override string Name => "DeepseekV2ForCausalLM";

    public override string ModelType => "deepseek_v2";

    public override IReadOnlyList<int> ClassEnds { get; } = [2];

    protected override IReadOnlyList<string> NeverNull { get; } =
    [
        "n_routed_experts", "n_shared_experts", "num_experts_per_tok", "first_k_dense_replace", "topk_method", "routed_scaling_factor",
        "moe_intermediate_size",
    ];

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 11_008, 32, null, 102_400, 2048);

    protected override LatentSettings LatentDefaults { get; } = new(1536, 512, 128, 64, 128);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        // Its class has no default that would run.
        var chosen = config.Int("num_experts_per_tok", 1, 1 << 12);
        var mixture = MixtureFields.Read(
            config, common.Activation, ("n_routed_experts", 64, "num_experts"), chosen,
            config.Int("moe_intermediate_size", 1, 1 << 22, 1407), RouterScoring.SoftmaxOfAll);
        mixture = config.Text("topk_method", Greedy) switch
        {
            Greedy => mixture,
            Limited => ReadLimits(config, mixture),
            var other => throw config.Unsupported("topk_method", $"\"{other}\"", $"{Greedy}, {Limited}"),
        };
        return ReadLayers(config, common, isInterleaved: true, mixture with
        {
            SharedWidth = 2,
            DenseLayers = MixtureFields.ReadFirstDense(config, common.Shape.Layers, 0),
        }) with
        { MlpBias = config.Bool("mlp_bias", false) };
    }

    private static MixtureSettings ReadLimits(ConfigFile config, MixtureSettings mixture)
    {
        config.RefuseNull("n_group", "topk_group");
        if (!config.Has("n_group") || !config.Has("topk_group"))
            throw config.Unsupported("topk_method", $"\"{Limited}\" without n_group or topk_group", "both");
        return MixtureFields.ReadGroups(config, mixture, 1, 1) with { GroupBest = 1 };
    }
}
