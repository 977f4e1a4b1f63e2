namespace Parley.ModelImporter.Architectures;

/// <summary>OLMoE: norms of whole queries and keys, which are cut off behind them, and experts.</summary>
internal sealed class OlmoeArchitecture : DecoderArchitecture
{
    public override string Name => "OlmoeForCausalLM";

    public override string ModelType => "olmoe";

    public override IReadOnlyList<int> ClassEnds { get; } = [50_279];

    protected override IReadOnlyList<string> NeverNull { get; } = ["num_experts", "num_experts_per_tok"];

    protected override SizeDefaults Defaults { get; } = new(16, 2048, 2048, 16, null, 50_304, 4096);

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    public override IReadOnlyList<string> Silent { get; } = MixtureFields.Silent;

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        config.RefuseNull("norm_topk_prob");
        var bias = config.Bool("attention_bias", false);
        var attention = Attention(common, Rotary(config, common).Read()) with
        {
            HeadNorm = new HeadNorm(HeadNormKind.Whole, common.Norm),
        };
        return common with
        {
            Layers = Repeat(common, attention),
            AttentionBias = bias,
            OutputBias = bias,
            QkvClip = config.Has("clip_qkv") ? config.Positive("clip_qkv", 1e9) : 0,
            Mixture = MixtureFields.Read(config, common.Activation, ("num_experts", 64, "num_local_experts"), 8,
                common.Shape.IntermediateSize, RouterScoring.SoftmaxOfAll) with
            {
                Normalizes = config.Bool("norm_topk_prob", false),
            },
        };
    }
}
