namespace Parley.ModelImporter.Architectures;

/// <summary>OLMo 2: norms behind attention and MLP alone, and of queries and keys as a whole.</summary>
internal sealed class Olmo2Architecture : DecoderArchitecture
{
    public override string Name => "Olmo2ForCausalLM";

    public override string ModelType => "olmo2";

    public override IReadOnlyList<int> ClassEnds { get; } = [50_279];

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 11_008, 32, null, 50_304, 2048);

    protected override TensorNames Names { get; } = AfterNames;

    /// <summary>What OLMo 3 and EXAONE 4 call their norms, too.</summary>
    public static TensorNames AfterNames { get; } = new()
    {
        AttentionNorm = null,
        AttentionAfterNorm = "post_attention_layernorm",
        MlpNorm = null,
        MlpAfterNorm = "post_feedforward_layernorm",
    };

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = Repeat(common, Attention(common, Rotary(config, common).Read()) with
            {
                HeadNorm = new HeadNorm(HeadNormKind.Whole, common.Norm),
            }),
            AttentionBias = bias,
            OutputBias = bias,
        };
    }
}
