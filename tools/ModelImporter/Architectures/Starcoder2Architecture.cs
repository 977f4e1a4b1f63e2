namespace Parley.ModelImporter.Architectures;

/// <summary>StarCoder 2: LayerNorm, biases, an MLP without a gate, and a window for every layer, where there is one.</summary>
internal sealed class Starcoder2Architecture : DecoderArchitecture
{
    public override string Name => "Starcoder2ForCausalLM";

    public override string ModelType => "starcoder2";

    public override IReadOnlyList<int> ClassEnds { get; } = [50_256];

    protected override IReadOnlyList<string> NeverNull { get; } = ["use_bias", "num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(30, 3072, 12_288, 24, 2, 49_152, 4096, IsTied: true);

    protected override TensorNames Names { get; } = new() { Up = "mlp.c_fc", Down = "mlp.c_proj" };

    protected override (string Field, double Default) EpsilonField => ("norm_epsilon", 1e-5);

    protected override NormKind NormKind => NormKind.Layer;

    protected override (string Field, string Default) ActivationField => ("hidden_act", "gelu_pytorch_tanh");

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        WindowFields.RefuseTypes(config, common.Shape.Layers);
        var bias = config.Bool("use_bias", true);
        return common with
        {
            Layers = Repeat(common, Attention(common, Rotary(config, common).Read()) with
            {
                Window = WindowFields.ReadWindow(config, null),
            }),
            AttentionBias = bias,
            OutputBias = bias,
            MlpBias = bias,
            NormBias = true,
        };
    }
}
