namespace Parley.ModelImporter.Architectures;

/// <summary>The text model of Gemma 3: norms of queries and keys, and layers with a window that have a rotary base of their own.</summary>
internal sealed class Gemma3Architecture : DecoderArchitecture
{
    public override string Name => "Gemma3ForCausalLM";

    public override string ModelType => "gemma3_text";

    public override IReadOnlyList<int> ClassEnds { get; } = [1];

    protected override IReadOnlyList<string> NeverNull { get; } =
        ["query_pre_attn_scalar", "sliding_window_pattern", "head_dim", "num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(26, 2304, 9216, 8, 4, 262_208, 131_072, IsTied: true, HeadSize: 256);

    protected override TensorNames Names { get; } = Gemma2Architecture.SandwichNames;

    protected override bool NormAddsOne => true;

    protected override (string Field, string Default) ActivationField => ("hidden_activation", "gelu_pytorch_tanh");

    /// <summary>The class has a soft cap for attention, and does not apply it.</summary>
    public override IReadOnlyList<string> Silent { get; } = ["hidden_act", "attn_logit_softcapping"];

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var pattern = config.Int("sliding_window_pattern", 1, 1 << 12, 6);
        var slides = WindowFields.ReadTypes(config, common.Shape.Layers, layer => (layer + 1) % pattern != 0);
        var window = WindowFields.ReadWindow(config, 4096);
        _ = WindowFields.Of(config, slides, window);
        var (full, local) = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax) { DefaultTheta = 1e6 }
            .ReadByType("rope_local_base_freq", 10_000);
        var attention = new LayerAttention(full, Gemma2Architecture.Scale(config))
        {
            HeadNorm = new HeadNorm(HeadNormKind.PerHead, common.Norm),
        };
        var softcap = Gemma2Architecture.Softcap(config, "final_logit_softcapping", 0);
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Layers = [.. slides.Select(slide => slide ? attention with { Rotary = local, Window = window } : attention)],
            AttentionBias = bias,
            OutputBias = bias,
            EmbeddingScale = Math.Sqrt(common.Shape.HiddenSize),
            // The class of multimodal checkpoints leaves it out.
            LogitSoftcap = config.IsPart ? 0 : softcap,
        };
    }
}
