namespace Parley.ModelImporter.Architectures;

/// <summary>EXAONE 4: norms behind attention and MLP alone, and no rotation in full layers where others have a window.</summary>
internal sealed class Exaone4Architecture : DecoderArchitecture
{
    public override string Name => "Exaone4ForCausalLM";

    public override string ModelType => "exaone4";

    protected override IReadOnlyList<string> NeverNull { get; } = ["num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 16_384, 32, 32, 102_400, 2048);

    protected override TensorNames Names { get; } = Olmo2Architecture.AfterNames;

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    /// <summary>Read where <c>layer_types</c> is missing alone.</summary>
    public override IReadOnlyList<string> Silent { get; } = ["sliding_window_pattern"];

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var window = WindowFields.ReadWindow(config, 4096);
        if (!config.Has("layer_types") && window > 0)
            config.RefuseNull("sliding_window_pattern");
        var pattern = config.Has("layer_types") || window == 0 ? 1 : config.Int("sliding_window_pattern", 1, 1 << 12, 4);
        var slides = WindowFields.ReadTypes(config, common.Shape.Layers, layer => (layer + 1) % pattern != 0);
        var rotary = Rotary(config, common).Read();
        var attention = Attention(common, rotary) with { HeadNorm = new HeadNorm(HeadNormKind.PerHead, common.Norm) };
        return common with
        {
            Layers = [.. WindowFields.Of(config, slides, window).Select(tokens =>
                attention with { Window = tokens, Rotary = window == 0 || tokens > 0 ? rotary : null })],
        };
    }
}
