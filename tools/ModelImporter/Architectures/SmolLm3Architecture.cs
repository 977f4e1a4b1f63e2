namespace Parley.ModelImporter.Architectures;

/// <summary>SmolLM3: layers without rotation, and windows.</summary>
internal sealed class SmolLm3Architecture : DecoderArchitecture
{
    public override string Name => "SmolLM3ForCausalLM";

    public override string ModelType => "smollm3";

    public override IReadOnlyList<int> ClassEnds { get; } = [128_001];

    protected override IReadOnlyList<string> NeverNull { get; } = ["no_rope_layer_interval", "use_sliding_window"];

    protected override SizeDefaults Defaults { get; } = new(36, 2048, 11_008, 16, 4, 128_256, 32_768, IsTied: true);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var layers = common.Shape.Layers;
        var interval = config.Int("no_rope_layer_interval", 1, 1 << 12, 4);
        // In spite of its name it lists those that rotate.
        var rotates = config.Flags("no_rope_layers") ?? [.. Enumerable.Range(0, layers).Select(layer => (layer + 1) % interval != 0)];
        if (rotates.Count < layers)
            throw config.Unsupported("no_rope_layers", $"a list of {rotates.Count}", $"one for each of the {layers} layers");
        var window = WindowFields.ReadWindow(config, null);
        var hasWindow = config.Bool("use_sliding_window", false) && window > 0;
        var slides = WindowFields.ReadTypes(config, layers, layer => hasWindow && !rotates[layer]);
        var rotary = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax) { DefaultTheta = 2e6 }.Read();
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = [.. WindowFields.Of(config, slides, window).Select((tokens, layer) =>
                Attention(common, rotates[layer] ? rotary : null) with { Window = tokens })],
            AttentionBias = bias,
            OutputBias = bias,
            MlpBias = config.Bool("mlp_bias", false),
        };
    }
}
