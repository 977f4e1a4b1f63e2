namespace Parley.ModelImporter.Architectures;

/// <summary>Command R7B and A: the block of Command R, three of four layers with a window, the others without rotation.</summary>
internal sealed class Cohere2Architecture : DecoderArchitecture
{
    public override string Name => "Cohere2ForCausalLM";

    public override string ModelType => "cohere2";

    public override IReadOnlyList<int> ClassEnds { get; } = [255_001];

    protected override IReadOnlyList<string> NeverNull { get; } = ["logit_scale", "sliding_window_pattern"];

    protected override SizeDefaults Defaults { get; } = new(40, 8192, 22_528, 64, null, 256_000, 8192, IsTied: true);

    protected override TensorNames Names { get; } = new() { MlpNorm = null };

    protected override (string Field, double Default) EpsilonField => ("layer_norm_eps", 1e-5);

    protected override NormKind NormKind => NormKind.Layer;

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var pattern = config.Int("sliding_window_pattern", 1, 1 << 12, 4);
        var slides = WindowFields.ReadTypes(config, common.Shape.Layers, layer => (layer + 1) % pattern != 0);
        var windows = WindowFields.Of(config, slides, WindowFields.ReadWindow(config, 4096));
        var rotary = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax) { IsInterleaved = true }.Read();
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = [.. windows.Select(window => Attention(common, window > 0 ? rotary : null) with { Window = window })],
            AttentionBias = bias,
            OutputBias = bias,
            IsParallel = true,
            LogitScale = config.Number("logit_scale", 0.0625),
        };
    }
}
