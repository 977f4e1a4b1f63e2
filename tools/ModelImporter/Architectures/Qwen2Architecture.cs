namespace Parley.ModelImporter.Architectures;

/// <summary>Qwen 2 and 2.5: biases on query, key and value, and windows from some layer on.</summary>
internal sealed class Qwen2Architecture : DecoderArchitecture
{
    public override string Name => "Qwen2ForCausalLM";

    public override string ModelType => "qwen2";

    public override IReadOnlyList<int> ClassEnds { get; } = [];

    protected override IReadOnlyList<string> NeverNull { get; } = ["max_window_layers", "use_sliding_window"];

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 22_016, 32, 32, 151_936, 32_768);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var attention = Attention(common, Rotary(config, common).Read());
        return common with
        {
            Layers = [.. Windows(config, common.Shape.Layers).Select(window => attention with { Window = window })],
            AttentionBias = true,
        };
    }

    /// <summary>The window of each layer, as Qwen 3 has it, too.</summary>
    public static IReadOnlyList<int> Windows(ConfigFile config, int layers)
    {
        var window = config.Bool("use_sliding_window", false) ? WindowFields.ReadWindow(config, 4096) : 0;
        _ = config.Has("sliding_window");
        var first = config.Int("max_window_layers", 0, int.MaxValue, 28);
        return WindowFields.Of(config, WindowFields.ReadTypes(config, layers, layer => window > 0 && layer >= first), window);
    }
}
