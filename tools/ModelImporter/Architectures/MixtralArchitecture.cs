namespace Parley.ModelImporter.Architectures;

/// <summary>Mixtral: Mistral with experts, the best two of which share a token by the softmax of their logits.</summary>
internal sealed class MixtralArchitecture : DecoderArchitecture
{
    public override string Name => "MixtralForCausalLM";

    public override string ModelType => "mixtral";

    protected override IReadOnlyList<string> NeverNull { get; } = ["num_experts_per_tok", "num_local_experts", "num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(32, 4096, 14_336, 32, 8, 32_000, 4096 * 32);

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    protected override TensorNames Names { get; } = new()
    {
        Experts = new ExpertNames
        {
            Router = "block_sparse_moe.gate",
            Experts = "block_sparse_moe.experts",
            Gate = "w1",
            Up = "w3",
            Down = "w2",
        },
    };

    protected override IReadOnlyList<(string Found, string Known)> OtherNames { get; } = [(".mlp.", ".block_sparse_moe.")];

    public override IReadOnlyList<string> Silent { get; } = [.. MixtureFields.Silent, "router_jitter_noise"];

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        WindowFields.RefuseTypes(config, common.Shape.Layers);
        var rotary = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax) { DefaultTheta = 1e6 }.Read();
        return common with
        {
            Layers = Repeat(common, Attention(common, rotary) with { Window = WindowFields.ReadWindow(config, null) }),
            // The softmax over all, divided by the sum of the best, as there.
            Mixture = MixtureFields.Read(config, common.Activation, ("num_local_experts", 8, "num_experts"), 2,
                common.Shape.IntermediateSize, RouterScoring.SoftmaxOfAll) with
            {
                Normalizes = true,
            },
        };
    }
}
