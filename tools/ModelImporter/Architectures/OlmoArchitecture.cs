namespace Parley.ModelImporter.Architectures;

/// <summary>OLMo: norms without weights, and clipped queries, keys and values.</summary>
internal sealed class OlmoArchitecture : DecoderArchitecture
{
    public override string Name => "OlmoForCausalLM";

    public override string ModelType => "olmo";

    public override IReadOnlyList<int> ClassEnds { get; } = [50_279];

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 11_008, 32, null, 50_304, 2048);

    /// <summary>Norms are not configured.</summary>
    protected override (string? Field, double Default) EpsilonField => (null, 1e-5);

    protected override NormKind NormKind => NormKind.Layer;

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = Repeat(common, Attention(common, Rotary(config, common).Read())),
            AttentionBias = bias,
            OutputBias = bias,
            HasNormWeights = false,
            QkvClip = config.Has("clip_qkv") ? config.Positive("clip_qkv", 1e9) : 0,
        };
    }
}
