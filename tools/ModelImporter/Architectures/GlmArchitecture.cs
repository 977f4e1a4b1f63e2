namespace Parley.ModelImporter.Architectures;

/// <summary>GLM-4 9B: a packed gate, and neighbours rotated in half of each head.</summary>
internal sealed class GlmArchitecture : DecoderArchitecture
{
    public override string Name => "GlmForCausalLM";

    public override string ModelType => "glm";

    public override IReadOnlyList<int> ClassEnds { get; } = [151_329, 151_336, 151_338];

    protected override SizeDefaults Defaults { get; } = new(40, 4096, 13_696, 32, 2, 151_552, 131_072, HeadSize: 128);

    protected override TensorNames Names { get; } = new() { GateUp = ["mlp.gate_up_proj"] };

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1.5625e-7);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common) => ReadShared(config, common);

    /// <summary>What GLM-4 0414 has, too.</summary>
    public static DecoderConfig ReadShared(ConfigFile config, DecoderConfig common)
    {
        CommonFields.RefuseWindows(config);
        var rotary = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax)
        {
            DefaultPartial = 0.5,
            IsInterleaved = true,
        }.Read();
        return common with
        {
            Layers = Repeat(common, Attention(common, rotary)),
            AttentionBias = config.Bool("attention_bias", true),
        };
    }
}
