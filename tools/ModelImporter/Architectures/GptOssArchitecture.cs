namespace Parley.ModelImporter.Architectures;

/// <summary>gpt-oss: sinks, every other layer with a window, yarn whose range is not truncated, and experts with a clamped gate.</summary>
internal sealed class GptOssArchitecture : DecoderArchitecture
{
    public override string Name => "GptOssForCausalLM";

    public override string ModelType => "gpt_oss";

    public override IReadOnlyList<int> ClassEnds { get; } = [];

    protected override IReadOnlyList<string> NeverNull { get; } =
        ["num_experts_per_tok", "num_local_experts", "head_dim", "num_key_value_heads"];

    protected override SizeDefaults Defaults { get; } = new(36, 2880, 2880, 64, 8, 201_088, 131_072, HeadSize: 64);

    protected override (string Field, double Default) EpsilonField => ("rms_norm_eps", 1e-5);

    protected override TensorNames Names { get; } = new()
    {
        Experts = new ExpertNames { Router = "mlp.router", IsTransposed = true, IsInterleaved = true },
    };

    /// <summary>As GGUF files have it.</summary>
    protected override IReadOnlyList<(string Found, string Known)> OtherNames { get; } =
        [(".self_attn.sinks.weight", ".self_attn.sinks")];

    /// <summary>The function of the experts is the class's own; the last two stand in published configurations.</summary>
    public override IReadOnlyList<string> Silent { get; } =
        [.. MixtureFields.Silent, "hidden_act", "initial_context_length", "experts_per_token"];

    protected override Activation ReadActivation(ConfigFile config) => Activation.Silu;

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        config.RefuseNull("swiglu_alpha", "swiglu_limit");
        var slides = WindowFields.ReadTypes(config, common.Shape.Layers, layer => layer % 2 == 0);
        var windows = WindowFields.Of(config, slides, WindowFields.ReadWindow(config, 128));
        var fields = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax) { DefaultTheta = 150_000 };
        var rotary = fields.Read();
        // Without any, the class has some of its own.
        if (!config.IsSet("rope_scaling") && !config.IsSet("rope_parameters"))
        {
            rotary = rotary with
            {
                Scaling = RotaryScaling.Yarn,
                Factor = 32,
                OriginalContext = 4096,
                AttentionFactor = (0.1 * Math.Log(32)) + 1,
                IsTruncated = false,
            };
        }

        var attention = Attention(common, rotary) with { HasSinks = true };
        var bias = config.Bool("attention_bias", true);
        return common with
        {
            Layers = [.. windows.Select(window => attention with { Window = window })],
            AttentionBias = bias,
            OutputBias = bias,
            Mixture = MixtureFields.Read(config, common.Activation, ("num_local_experts", 128, "num_experts"), 4,
                common.Shape.IntermediateSize, RouterScoring.SoftmaxOfChosen) with
            {
                RouterBias = true,
                ExpertBias = true,
                IsClamped = true,
                Alpha = config.Positive("swiglu_alpha", 1e6, 1.702),
                Limit = config.Positive("swiglu_limit", 1e6, 7),
            },
        };
    }
}
