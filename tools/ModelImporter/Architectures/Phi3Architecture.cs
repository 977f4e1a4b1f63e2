namespace Parley.ModelImporter.Architectures;

/// <summary>Phi-3 and Phi-4: packed matrices, partial rotation, and longrope.</summary>
internal sealed class Phi3Architecture : DecoderArchitecture
{
    public override string Name => "Phi3ForCausalLM";

    public override string ModelType => "phi3";

    public override IReadOnlyList<int> ClassEnds { get; } = [32_000];

    protected override IReadOnlyList<string> NeverNull { get; } = ["partial_rotary_factor"];

    protected override SizeDefaults Defaults { get; } = new(32, 3072, 8192, 32, null, 32_064, 4096);

    protected override TensorNames Names { get; } = new() { PackedQkv = "self_attn.qkv_proj", GateUp = ["mlp.gate_up_proj"] };

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var rotary = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax)
        {
            DefaultPartial = 1,
            DefaultOriginal = 4096,
            OtherTypes = new Dictionary<string, string> { ["su"] = "longrope", ["yarn"] = "longrope" },
        }.Read();
        if (rotary.Scaling is not (RotaryScaling.None or RotaryScaling.LongRope))
            throw config.Unsupported("rope_scaling", $"of the kind {rotary.Scaling}", "longrope, as in transformers");
        return common with
        {
            Layers = Repeat(common, Attention(common, rotary) with { Window = WindowFields.ReadWindow(config, null) }),
        };
    }
}
