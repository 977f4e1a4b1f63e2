namespace Parley.ModelImporter.Architectures;

/// <summary>Jais 2: LayerNorm, biases, and an MLP without a gate, the square of ReLU.</summary>
internal sealed class Jais2Architecture : DecoderArchitecture
{
    public override string Name => "Jais2ForCausalLM";

    public override string ModelType => "jais2";

    public override IReadOnlyList<int> ClassEnds { get; } = [150_024];

    protected override SizeDefaults Defaults { get; } = new(32, 3328, 26_624, 26, null, 150_272, 8192);

    protected override TensorNames Names { get; } = new() { Up = "mlp.up_proj" };

    protected override (string Field, double Default) EpsilonField => ("layer_norm_eps", 1e-5);

    protected override NormKind NormKind => NormKind.Layer;

    protected override (string Field, string Default) ActivationField => ("hidden_act", "relu2");

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        var bias = config.Bool("attention_bias", true);
        return common with
        {
            Layers = Repeat(common, Attention(common, Rotary(config, common).Read())),
            AttentionBias = bias,
            OutputBias = bias,
            MlpBias = config.Bool("mlp_bias", true),
            NormBias = true,
        };
    }
}
