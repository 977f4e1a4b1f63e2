namespace Parley.ModelImporter.Architectures;

/// <summary>Command R: attention and MLP side by side behind one LayerNorm, neighbours rotated, scaled logits.</summary>
internal sealed class CohereArchitecture : DecoderArchitecture
{
    public override string Name => "CohereForCausalLM";

    public override string ModelType => "cohere";

    public override IReadOnlyList<int> ClassEnds { get; } = [255_001];

    protected override SizeDefaults Defaults { get; } = new(40, 8192, 22_528, 64, null, 256_000, 8192, IsTied: true);

    protected override TensorNames Names { get; } = new() { MlpNorm = null };

    protected override (string Field, double Default) EpsilonField => ("layer_norm_eps", 1e-5);

    protected override NormKind NormKind => NormKind.Layer;

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        var rotary = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax)
        {
            DefaultTheta = 500_000,
            IsInterleaved = true,
        }.Read();
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = Repeat(common, Attention(common, rotary) with
            {
                HeadNorm = config.Bool("use_qk_norm", false) ? new HeadNorm(HeadNormKind.PerHeadOwn, common.Norm) : null,
            }),
            AttentionBias = bias,
            OutputBias = bias,
            IsParallel = true,
            LogitScale = config.Number("logit_scale", 0.0625),
        };
    }
}
