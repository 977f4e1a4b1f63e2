namespace Parley.ModelImporter.Architectures;

/// <summary>
/// LFM3: short convolutions, and attention with or without a window, whose heads have a gate each; norms before and behind both halves of a
/// layer.
/// </summary>
internal sealed class Lfm3Architecture : DecoderArchitecture
{
    private const double SlidingTheta = 10_000;

    public override string Name => "Lfm3ForCausalLM";

    public override string ModelType => "lfm3";

    public override IReadOnlyList<int> ClassEnds { get; } = [124_900];

    protected override IReadOnlyList<string> NeverNull { get; } =
    [
        "conv_L_cache", "conv_bias", "head_dim", "num_key_value_heads", "use_sandwich_norm", "use_attention_gate",
    ];

    protected override SizeDefaults Defaults { get; } = new(24, 2048, 7680, 16, 4, 128_000, 128_000, IsTied: true, HeadSize: 128);

    /// <summary>The class takes the one name for the other.</summary>
    protected override (string? Field, double Default) EpsilonField => (null, 1e-5);

    protected override TensorNames Names { get; } = Lfm2Architecture.SharedNames with
    {
        AttentionAfterNorm = "post_operator_norm",
        MlpAfterNorm = "post_ffn_norm",
    };

    protected override IReadOnlyList<(string Found, string Known)> OtherNames { get; } =
        [(".self_attn.gate_proj.", ".self_attn.g_proj.")];

    /// <summary>The class has no other.</summary>
    protected override Activation ReadActivation(ConfigFile config) => Activation.Silu;

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        config.RefuseNull("norm_eps", "rms_norm_eps");
        var norm = common.Norm with
        {
            Epsilon = (float)config.Positive("norm_eps", 1, config.Positive("rms_norm_eps", 1, common.Norm.Epsilon)),
        };
        var types = ReadTypes(config, common.Shape.Layers);
        var (full, sliding) = ReadRotary(config, common, types);
        var window = WindowFields.ReadWindow(config, 256);
        _ = WindowFields.Of(config, [.. types.Select(type => type == WindowFields.Sliding)], window);
        var attention = Attention(common, full) with
        {
            HeadNorm = new HeadNorm(HeadNormKind.PerHead, norm),
            HasHeadGate = config.Bool("use_attention_gate", true),
        };
        var convolution = new LayerAttention(null, attention.Scale)
        {
            Recurrence = Lfm2Architecture.ReadConvolution(config, common.Shape.HiddenSize, 7),
        };
        var bias = config.Bool("attention_bias", false);
        return common with
        {
            Norm = norm,
            Layers = [.. types.Select(type => type switch
            {
                Lfm2Architecture.Convolution => convolution,
                WindowFields.Full => attention,
                _ => attention with { Rotary = sliding, Window = window },
            })],
            AttentionBias = bias,
            OutputBias = bias,
            HasAfterNorms = config.Bool("use_sandwich_norm", true),
        };
    }

    private static IReadOnlyList<string> ReadTypes(ConfigFile config, int layers)
    {
        if (!config.Has("layer_types"))
        {
            return [.. Enumerable.Range(0, layers).Select(layer =>
                layer % 4 == 2 ? WindowFields.Full : layer % 4 == 0 && layer > 0 ? WindowFields.Sliding : Lfm2Architecture.Convolution)];
        }

        return Lfm2Architecture.CheckTypes(config, layers, WindowFields.Full, WindowFields.Sliding);
    }

    /// <summary>Positions of full layers and of sliding ones.</summary>
    private static (RotarySettings Full, RotarySettings Sliding) ReadRotary(
        ConfigFile config, DecoderConfig common, IReadOnlyList<string> types)
    {
        var fields = new RotaryFields(config, common.Shape.HeadSize, common.Shape.ContextTokensMax) { DefaultTheta = 1e6 };
        if (config.IsSet("rope_parameters") && config.Object("rope_parameters") is { } rope)
        {
            if (types.FirstOrDefault(type => type != Lfm2Architecture.Convolution && rope.Object(type) is null) is { } missing)
                throw config.Unsupported("rope_parameters", $"without {missing}", "one for each type of layer with attention");
            return fields.ReadByType(null, SlidingTheta);
        }

        var (full, sliding) = fields.ReadByType(null, SlidingTheta);
        return (full with { TurningPairs = common.Shape.HeadSize / 4 }, sliding);
    }
}
