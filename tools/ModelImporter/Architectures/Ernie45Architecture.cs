namespace Parley.ModelImporter.Architectures;

/// <summary>ERNIE 4.5: Llama with neighbours rotated.</summary>
internal sealed class Ernie45Architecture : DecoderArchitecture
{
    public override string Name => "Ernie4_5ForCausalLM";

    public override string ModelType => "ernie4_5";

    protected override SizeDefaults Defaults { get; } = new(18, 1024, 3072, 16, 2, 103_424, 131_072, IsTied: true, HeadSize: 128);

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        var rotary = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax)
        {
            DefaultTheta = 500_000,
            IsInterleaved = true,
        }.Read();
        var bias = config.Bool("use_bias", false);
        return common with
        {
            Layers = Repeat(common, Attention(common, rotary)),
            AttentionBias = bias,
            OutputBias = bias,
            MlpBias = bias,
        };
    }
}
