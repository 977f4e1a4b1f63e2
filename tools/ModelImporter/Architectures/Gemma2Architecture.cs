namespace Parley.ModelImporter.Architectures;

/// <summary>Gemma 2: norms before and after, soft caps, and every other layer with a window.</summary>
internal sealed class Gemma2Architecture : DecoderArchitecture
{
    public override string Name => "Gemma2ForCausalLM";

    public override string ModelType => "gemma2";

    public override IReadOnlyList<int> ClassEnds { get; } = [1];

    protected override IReadOnlyList<string> NeverNull { get; } = ["query_pre_attn_scalar", "head_dim", "num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(26, 2304, 9216, 8, 4, 256_000, 8192, IsTied: true, HeadSize: 256);

    protected override TensorNames Names { get; } = SandwichNames;

    /// <summary>What Gemma 3 calls its norms, too.</summary>
    public static TensorNames SandwichNames { get; } = new()
    {
        AttentionAfterNorm = "post_attention_layernorm",
        MlpNorm = "pre_feedforward_layernorm",
        MlpAfterNorm = "post_feedforward_layernorm",
    };

    protected override bool NormAddsOne => true;

    protected override (string Field, string Default) ActivationField => ("hidden_activation", "gelu_pytorch_tanh");

    public override IReadOnlyList<string> Silent { get; } = ["hidden_act"];

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var attention = new LayerAttention(Rotary(config, common).Read(), Scale(config))
        {
            Softcap = Softcap(config, "attn_logit_softcapping", 50),
        };
        var slides = WindowFields.ReadTypes(config, common.Shape.Layers, layer => layer % 2 == 0);
        var windows = WindowFields.Of(config, slides, WindowFields.ReadWindow(config, 4096));
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = [.. windows.Select(window => attention with { Window = window })],
            AttentionBias = bias,
            OutputBias = bias,
            EmbeddingScale = Math.Sqrt(common.Shape.HiddenSize),
            LogitSoftcap = Softcap(config, "final_logit_softcapping", 30),
        };
    }

    /// <summary>Attention is scaled by a number of its own, whatever the size of a head.</summary>
    public static double Scale(ConfigFile config) => 1 / Math.Sqrt(config.Positive("query_pre_attn_scalar", 1e6, 256));

    /// <summary>A soft cap; null is none.</summary>
    public static double Softcap(ConfigFile config, string field, double fallback) =>
        config.Names(field) && !config.Has(field) ? 0 : config.Has(field) ? config.Positive(field, 1e6) : fallback;
}
