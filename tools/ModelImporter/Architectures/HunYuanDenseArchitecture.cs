namespace Parley.ModelImporter.Architectures;

/// <summary>Hunyuan dense: norms of queries and keys behind the rotation, and a base that alpha makes larger.</summary>
internal sealed class HunYuanDenseArchitecture : DecoderArchitecture
{
    public override string Name => "HunYuanDenseV1ForCausalLM";

    public override string ModelType => "hunyuan_v1_dense";

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 11_008, 32, null, 290_943, 2048);

    private const double AlphaMax = 1e6;

    protected override TensorNames Names { get; } = new() { QueryNorm = "self_attn.query_layernorm", KeyNorm = "self_attn.key_layernorm" };

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        var rotary = Rotary(config, common).Read();
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = Repeat(common, Attention(common, WithAlpha(config, rotary, common.Shape.HeadSize)) with
            {
                HeadNorm = new HeadNorm(HeadNormKind.PerHeadRotated, common.Norm),
            }),
            AttentionBias = bias,
            OutputBias = bias,
        };
    }

    /// <summary>What it calls dynamic is, with an alpha, a larger base for every length.</summary>
    private static RotarySettings WithAlpha(ConfigFile config, RotarySettings rotary, int headSize)
    {
        var rope = config.Object(config.IsSet("rope_scaling") ? "rope_scaling" : "rope_parameters");
        if (rotary.Scaling != RotaryScaling.Dynamic || rope is null || !rope.IsSet("alpha"))
            return rotary;
        var stretch = Math.Pow(rope.Positive("alpha", AlphaMax), headSize / (headSize - 2.0));
        return new RotarySettings(rotary.Theta * stretch, RotaryScaling.None);
    }
}
