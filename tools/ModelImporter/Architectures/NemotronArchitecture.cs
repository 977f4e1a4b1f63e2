namespace Parley.ModelImporter.Architectures;

/// <summary>Nemotron: LayerNorm that stores what is above one, the square of ReLU, half of each head rotated.</summary>
internal sealed class NemotronArchitecture : DecoderArchitecture
{
    public override string Name => "NemotronForCausalLM";

    public override string ModelType => "nemotron";

    public override IReadOnlyList<int> ClassEnds { get; } = [3];

    protected override SizeDefaults Defaults { get; } = new(32, 6144, 24_576, 48, null, 256_000, 4096);

    protected override TensorNames Names { get; } = new() { Up = "mlp.up_proj" };

    protected override (string Field, double Default) EpsilonField => ("norm_eps", 1e-5);

    protected override NormKind NormKind => NormKind.Layer;

    protected override bool NormAddsOne => true;

    protected override (string Field, string Default) ActivationField => ("hidden_act", "relu2");

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        var rotary = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax) { DefaultPartial = 0.5 }.Read();
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = Repeat(common, Attention(common, rotary)),
            AttentionBias = bias,
            OutputBias = bias,
            MlpBias = config.Bool("mlp_bias", false),
            NormBias = true,
        };
    }
}
