namespace Parley.ModelImporter.Architectures;

/// <summary>Apertus: an MLP without a gate, xIELU, and norms of queries and keys.</summary>
internal sealed class ApertusArchitecture : DecoderArchitecture
{
    public override string Name => "ApertusForCausalLM";

    public override string ModelType => "apertus";

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 14_336, 32, null, 131_072, 65_536);

    private const string XIelu = "xielu";
    private const double Theta = 12e6;

    protected override TensorNames Names { get; } = new()
    {
        AttentionNorm = "attention_layernorm",
        MlpNorm = "feedforward_layernorm",
        Up = "mlp.up_proj",
    };

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        // Without any, the class has some of its own, whatever rope_theta says.
        var rotary = !config.IsSet("rope_scaling") && !config.Has("rope_parameters")
            ? new RotarySettings(Theta, RotaryScaling.Llama3, 8, 1, 4, 8192)
            : new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax) { DefaultTheta = Theta }.Read();
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = Repeat(common, Attention(common, rotary) with { HeadNorm = new HeadNorm(HeadNormKind.PerHead, common.Norm) }),
            AttentionBias = bias,
            OutputBias = bias,
        };
    }

    protected override Activation ReadActivation(ConfigFile config)
    {
        config.RefuseNull("hidden_act");
        return config.Text("hidden_act", XIelu) == XIelu ? Activation.XIelu : base.ReadActivation(config);
    }
}
