namespace Parley.ModelImporter.Architectures;

/// <summary>Qwen 3: norms of queries and keys, and the windows of Qwen 2.</summary>
internal sealed class Qwen3Architecture : DecoderArchitecture
{
    public override string Name => "Qwen3ForCausalLM";

    public override string ModelType => "qwen3";

    public override IReadOnlyList<int> ClassEnds { get; } = [];

    protected override IReadOnlyList<string> NeverNull { get; } = ["max_window_layers", "use_sliding_window", "head_dim"];

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 22_016, 32, 32, 151_936, 32_768, HeadSize: 128);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var bias = config.Bool("attention_bias", false);
        var attention = Attention(common, Rotary(config, common).Read()) with
        {
            HeadNorm = new HeadNorm(HeadNormKind.PerHead, common.Norm),
        };
        return common with
        {
            Layers = [.. Qwen2Architecture.Windows(config, common.Shape.Layers).Select(window => attention with { Window = window })],
            AttentionBias = bias,
            OutputBias = bias,
        };
    }
}
