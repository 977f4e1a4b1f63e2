namespace Parley.ModelImporter.Architectures;

/// <summary>GLM-4 0414: GLM with norms behind attention and MLP, too.</summary>
internal sealed class Glm4Architecture : DecoderArchitecture
{
    public override string Name => "Glm4ForCausalLM";

    public override string ModelType => "glm4";

    public override IReadOnlyList<int> ClassEnds { get; } = [151_329, 151_336, 151_338];

    protected override IReadOnlyList<string> NeverNull { get; } = ["head_dim", "num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(40, 4096, 13_696, 32, 2, 151_552, 131_072, HeadSize: 128);

    protected override TensorNames Names { get; } = new()
    {
        AttentionAfterNorm = "post_self_attn_layernorm",
        MlpAfterNorm = "post_mlp_layernorm",
        GateUp = ["mlp.gate_up_proj"],
    };

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1.5625e-7);

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common) => GlmArchitecture.ReadShared(config, common);
}
