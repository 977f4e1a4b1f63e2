namespace Parley.ModelImporter.Architectures;

/// <summary>LFM2: short convolutions, and attention in some layers.</summary>
internal sealed class Lfm2Architecture : DecoderArchitecture
{
    public const string Convolution = "conv";

    /// <summary>What LFM2 and LFM3 call their modules; LFM3 has other names in its attention.</summary>
    public static TensorNames SharedNames { get; } = new()
    {
        AttentionNorm = "operator_norm",
        MlpNorm = "ffn_norm",
        GateUp = ["feed_forward.w1", "feed_forward.w3"],
        Down = "feed_forward.w2",
        FinalNorm = "embedding_norm",
    };

    public override string Name => "Lfm2ForCausalLM";

    public override string ModelType => "lfm2";

    protected override IReadOnlyList<string> NeverNull { get; } =
        ["conv_L_cache", "conv_bias", "block_auto_adjust_ff_dim", "block_multiple_of", "tie_embedding", "block_ff_dim"];

    protected override SizeDefaults Defaults { get; } = new(32, 2560, 12_288, 32, 8, 65_536, 128_000, IsTied: true);

    protected override (string Field, double Default) EpsilonField => ("norm_eps", 1e-5);

    /// <summary>Left of the code that the model was trained with.</summary>
    public override IReadOnlyList<string> Silent { get; } = ["rms_norm_eps"];

    protected override TensorNames Names { get; } = SharedNames with
    {
        QueryNorm = "self_attn.q_layernorm",
        KeyNorm = "self_attn.k_layernorm",
        AttentionOutput = "self_attn.out_proj",
    };

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var shape = common.Shape with
        {
            TiedEmbeddings = config.Bool("tie_embedding", common.Shape.TiedEmbeddings),
            IntermediateSize = ReadWidth(config, config.Int("block_ff_dim", 1, 1 << 22, common.Shape.IntermediateSize)),
        };
        var attention = Attention(common, new RotaryFields(config, shape.HeadSize, shape.ContextTokensMax) { DefaultTheta = 1e6 }.Read())
            with
        { HeadNorm = new HeadNorm(HeadNormKind.PerHead, common.Norm) };
        var convolution = attention with { Rotary = null, HeadNorm = null, Recurrence = ReadConvolution(config, shape.HiddenSize, 3) };
        return common with
        {
            Shape = shape,
            Layers = [.. ReadTypes(config, shape.Layers).Select(type => type == Convolution ? convolution : attention)],
        };
    }

    /// <summary>Reads the convolution, the same in each layer that has one.</summary>
    public static ShortConvolution ReadConvolution(ConfigFile config, int channels, int width) => new(
        channels, config.Int("conv_L_cache", 2, ShortConvolution.WidthMax, width), config.Bool("conv_bias", false));

    /// <summary>The type of each layer: those of <c>layer_types</c>, or attention in those that are listed.</summary>
    private static IReadOnlyList<string> ReadTypes(ConfigFile config, int layers)
    {
        config.Watch("full_attn_idxs");
        if (!config.Has("layer_types"))
        {
            var full = config.Has("full_attn_idxs") ? config.WholeNumbers("full_attn_idxs") : [.. Enumerable.Range(0, layers)];
            return [.. Enumerable.Range(0, layers).Select(layer => full.Contains(layer) ? WindowFields.Full : Convolution)];
        }

        var types = config.Texts("layer_types");
        if (types.FirstOrDefault(type => type is not (WindowFields.Full or Convolution)) is { } other)
            throw config.Unsupported("layer_types", $"a list with \"{other}\"", $"{Convolution}, {WindowFields.Full}");
        return types.Count == layers ? types
            : throw config.Unsupported("layer_types", $"a list of {types.Count}", $"one for each of the {layers} layers");
    }

    /// <summary>The width of the MLP is two thirds of what the field says, by a factor and up to a multiple, unless it says not so.</summary>
    private static int ReadWidth(ConfigFile config, int width)
    {
        var multiple = config.Int("block_multiple_of", 1, 1 << 20, 256);
        var hasFactor = !config.Names("block_ffn_dim_multiplier") || config.Has("block_ffn_dim_multiplier");
        var factor = config.Positive("block_ffn_dim_multiplier", 1e3, 1);
        if (!config.Bool("block_auto_adjust_ff_dim", true))
            return width;
        width = (int)(2L * width / 3);
        if (!hasFactor)
            return Math.Max(width, 1);
        var wanted = (long)(factor * width);
        return wanted is > 0 and <= 1 << 22 ? checked((int)((wanted + multiple - 1) / multiple * multiple))
            : throw config.Unsupported("block_ffn_dim_multiplier", $"{factor}", $"a width of 1 to {1 << 22}");
    }
}
