namespace Parley.ModelImporter.Architectures;

/// <summary>Helium: Llama with neighbours rotated.</summary>
internal sealed class HeliumArchitecture : DecoderArchitecture
{
    public override string Name => "HeliumForCausalLM";

    public override string ModelType => "helium";

    protected override IReadOnlyList<string> NeverNull { get; } = ["head_dim", "num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(24, 2560, 7040, 20, 20, 48_000, 4096, HeadSize: 128);

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-8);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        // Its linear behind attention is hidden × hidden, whatever heads have.
        var shape = common.Shape;
        if (shape.QueryHeads * shape.HeadSize != shape.HiddenSize)
        {
            throw config.Unsupported("head_dim", $"{shape.HeadSize}",
                $"hidden_size / num_attention_heads ({shape.HiddenSize} / {shape.QueryHeads})");
        }

        var rotary = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax)
        {
            DefaultTheta = 100_000,
            IsInterleaved = true,
        }.Read();
        return common with
        {
            Layers = Repeat(common, Attention(common, rotary)),
            AttentionBias = config.Bool("attention_bias", false),
            MlpBias = config.Bool("mlp_bias", false),
        };
    }
}
