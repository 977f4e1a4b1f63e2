namespace Parley.ModelImporter.Architectures;

/// <summary>OLMo 3: OLMo 2 with windows in three of four layers, which have positions of their own.</summary>
internal sealed class Olmo3Architecture : DecoderArchitecture
{
    public override string Name => "Olmo3ForCausalLM";

    public override string ModelType => "olmo3";

    public override IReadOnlyList<int> ClassEnds { get; } = [50_279];

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 11_008, 32, null, 50_304, 2048);

    private const double Theta = 500_000;

    protected override TensorNames Names { get; } = Olmo2Architecture.AfterNames;

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var slides = WindowFields.ReadTypes(config, common.Shape.Layers, layer => (layer + 1) % 4 != 0);
        var window = WindowFields.ReadWindow(config, 4096);
        _ = WindowFields.Of(config, slides, window);
        // Whatever rope_theta says, it is that of full layers.
        var (full, local) = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax) { DefaultTheta = Theta }
            .ReadByType(localField: null, Theta);
        var attention = Attention(common, full) with { HeadNorm = new HeadNorm(HeadNormKind.Whole, common.Norm) };
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = [.. slides.Select(slide => slide ? attention with { Rotary = local, Window = window } : attention)],
            AttentionBias = bias,
            OutputBias = bias,
        };
    }
}
