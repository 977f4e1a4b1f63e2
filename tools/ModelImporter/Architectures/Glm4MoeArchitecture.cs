namespace Parley.ModelImporter.Architectures;

/// <summary>
/// GLM-4.5 and later: experts by their sigmoid, chosen in groups with a correction, beside an MLP that every token goes through; the first
/// layers are dense. The first block behind the last layer, which predicts further tokens, makes drafts; transformers leaves it out.
/// </summary>
internal sealed class Glm4MoeArchitecture : DecoderArchitecture
{
    private const string Further = "num_nextn_predict_layers";

    public override string Name => "Glm4MoeForCausalLM";

    public override string ModelType => "glm4_moe";

    public override IReadOnlyList<int> ClassEnds { get; } = [];

    protected override IReadOnlyList<string> NeverNull { get; } = ["n_routed_experts", "num_experts_per_tok", "num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(46, 4096, 10_944, 96, 8, 151_552, 131_072);

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    public override IReadOnlyList<string> Silent { get; } =
        [.. MixtureFields.Silent, "num_mtp_layers"];

    /// <summary>As GGUF files have it.</summary>
    protected override IReadOnlyList<(string Found, string Known)> OtherNames { get; } =
        [(".mlp.exp_probs_b.bias", ".mlp.gate.e_score_correction_bias")];

    public override bool Ignores(string tensor, DecoderConfig config) =>
        base.Ignores(tensor, config) || FurtherBlocks.Holds(tensor, config.Shape.Layers);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        config.RefuseNull("moe_intermediate_size", "n_shared_experts", "routed_scaling_factor", "n_group", "topk_group",
            "first_k_dense_replace", "norm_topk_prob", "use_qk_norm");
        var rotary = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax) { DefaultPartial = 0.5 }.Read();
        var width = config.Int("moe_intermediate_size", 1, 1 << 22, 1408);
        var mixture = MixtureFields.Read(
            config, common.Activation, ("n_routed_experts", 128, "num_local_experts"), 8, width, RouterScoring.Sigmoid);
        var attention = Attention(common, rotary) with
        {
            HeadNorm = config.Bool("use_qk_norm", false) ? new HeadNorm(HeadNormKind.PerHead, common.Norm) : null,
        };
        var further = config.Has(Further) ? config.Int(Further, 0, 1 << 10) : 0;
        return common with
        {
            Layers = Repeat(common, attention),
            Drafter = further == 0 ? null : attention,
            Notes = [.. common.Notes, .. FurtherBlocks.Notes(Further, further)],
            AttentionBias = config.Bool("attention_bias", false),
            Mixture = MixtureFields.ReadGroups(config, mixture, 1, 1) with
            {
                Normalizes = config.Bool("norm_topk_prob", true),
                NormalizeEpsilon = 1e-20,
                Scale = config.Positive("routed_scaling_factor", 1e6, 1),
                HasCorrection = true,
                SharedWidth = width * config.Int("n_shared_experts", 0, 1 << 12, 1),
                DenseLayers = MixtureFields.ReadFirstDense(config, common.Shape.Layers, 1),
            },
        };
    }
}
