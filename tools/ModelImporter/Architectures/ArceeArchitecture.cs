namespace Parley.ModelImporter.Architectures;

/// <summary>Arcee: Llama with an MLP without a gate, the square of ReLU.</summary>
internal sealed class ArceeArchitecture : DecoderArchitecture
{
    public override string Name => "ArceeForCausalLM";

    public override string ModelType => "arcee";

    public override IReadOnlyList<int> ClassEnds { get; } = [128_001];

    protected override SizeDefaults Defaults { get; } = new(32, 2560, 18_432, 32, null, 32_000, 4096);

    protected override TensorNames Names { get; } = new() { Up = "mlp.up_proj" };

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    protected override (string Field, string Default) ActivationField => ("hidden_act", "relu2");

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = Repeat(common, Attention(common, Rotary(config, common).Read())),
            AttentionBias = bias,
            OutputBias = bias,
            MlpBias = config.Bool("mlp_bias", false),
        };
    }
}
