namespace Parley.ModelImporter.Architectures;

/// <summary>StableLM: LayerNorm, a quarter of each head rotated, and side by side where asked for.</summary>
internal sealed class StableLmArchitecture : DecoderArchitecture
{
    public override string Name => "StableLmForCausalLM";

    public override string ModelType => "stablelm";

    public override IReadOnlyList<int> ClassEnds { get; } = [0];

    protected override IReadOnlyList<string> NeverNull { get; } =
        ["qk_layernorm", "use_parallel_residual", "use_qkv_bias", "num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(32, 2560, 6912, 32, 32, 50_304, 4096);

    protected override TensorNames Names { get; } = new() { QueryNorm = "self_attn.q_layernorm", KeyNorm = "self_attn.k_layernorm" };

    protected override (string Field, double Default) EpsilonField => ("layer_norm_eps", 1e-5);

    protected override NormKind NormKind => NormKind.Layer;

    protected override bool HasHeadSize => false;

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        var rotary = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax) { DefaultPartial = 0.25 }.Read();
        return common with
        {
            Layers = Repeat(common, Attention(common, rotary) with
            {
                HeadNorm = config.Bool("qk_layernorm", false) ? new HeadNorm(HeadNormKind.PerHeadOwn, common.Norm) : null,
            }),
            AttentionBias = config.Bool("use_qkv_bias", false),
            NormBias = true,
            IsParallel = config.Bool("use_parallel_residual", false),
        };
    }
}
