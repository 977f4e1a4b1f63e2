namespace Parley.ModelImporter.Architectures;

/// <summary>LFM2: short convolutions, and attention in some layers.</summary>
internal sealed class Lfm2Architecture : DecoderArchitecture
{
    public const string Convolution = "conv";

    /// <summary>What LFM2 and LFM3 call their modules alike.</summary>
    public static TensorNames SharedNames { get; } = new()
    {
        AttentionNorm = "operator_norm",
        MlpNorm = "ffn_norm",
        GateUp = ["feed_forward.w1", "feed_forward.w3"],
        Down = "feed_forward.w2",
        FinalNorm = "embedding_norm",
    };

    /// <summary>What LFM2 calls its modules, with and without experts.</summary>
    public static TensorNames OwnNames { get; } = SharedNames with
    {
        QueryNorm = "self_attn.q_layernorm",
        KeyNorm = "self_attn.k_layernorm",
        AttentionOutput = "self_attn.out_proj",
    };

    public override string Name => "Lfm2ForCausalLM";

    public override string ModelType => "lfm2";

    protected override IReadOnlyList<string> NeverNull { get; } =
        ["block_auto_adjust_ff_dim", "block_ff_dim", "block_multiple_of", "conv_L_cache", "conv_bias", "num_key_value_heads", "tie_embedding"];

    protected override SizeDefaults Defaults { get; } = new(32, 2560, 12_288, 32, 8, 65_536, 128_000, IsTied: true);

    protected override (string? Field, double Default) EpsilonField => ("norm_eps", 1e-5);

    public override IReadOnlyList<string> Silent { get; } = ["rms_norm_eps"];

    protected override TensorNames Names => OwnNames;

    /// <summary>The class has no other.</summary>
    protected override Activation ReadActivation(ConfigFile config) => Activation.Silu;

    protected override DecoderConfig Read(ConfigFile config, DecoderConfig common)
    {
        var read = ReadLayers(config, common);
        return read with
        {
            Shape = read.Shape with
            {
                IntermediateSize = ReadWidth(config, config.Int("block_ff_dim", 1, 1 << 22, common.Shape.IntermediateSize)),
            },
        };
    }

    /// <summary>Reads what LFM2 has with and without experts.</summary>
    /// <exception cref="InvalidDataException">A field is malformed.</exception>
    public static DecoderConfig ReadLayers(ConfigFile config, DecoderConfig common)
    {
        var shape = common.Shape;
        var rotary = new RotaryFields(config, shape.HeadSize, shape.ContextTokensMax) { DefaultTheta = 1e6 }.Read();
        var attention = Attention(common, rotary) with { HeadNorm = new HeadNorm(HeadNormKind.PerHead, common.Norm) };
        var convolution = new LayerAttention(null, attention.Scale) { Recurrence = ReadConvolution(config, shape.HiddenSize, 3) };
        return common with
        {
            Shape = shape with { TiedEmbeddings = config.Bool("tie_embedding", shape.TiedEmbeddings) },
            Layers = [.. ReadTypes(config, shape.Layers).Select(type => type == Convolution ? convolution : attention)],
        };
    }

    /// <summary>Reads the convolution, the same in each layer that has one.</summary>
    public static ShortConvolution ReadConvolution(ConfigFile config, int channels, int width) => new(
        channels, config.Int("conv_L_cache", 2, ShortConvolution.WidthMax, width), config.Bool("conv_bias", false));

    /// <summary>The types of all layers: convolutions, and those that are named.</summary>
    /// <exception cref="InvalidDataException">A type is unknown, or there are more or fewer than layers.</exception>
    public static IReadOnlyList<string> CheckTypes(ConfigFile config, int layers, params IReadOnlyList<string> attention)
    {
        var types = config.Texts("layer_types");
        if (types.FirstOrDefault(type => type != Convolution && !attention.Contains(type)) is { } other)
            throw config.Unsupported("layer_types", $"a list with \"{other}\"", $"{Convolution}, {string.Join(", ", attention)}");
        return types.Count == layers ? types
            : throw config.Unsupported("layer_types", $"a list of {types.Count}", $"one for each of the {layers} layers");
    }

    /// <summary>The type of each layer: those of <c>layer_types</c>, or attention in those that are listed.</summary>
    private static IReadOnlyList<string> ReadTypes(ConfigFile config, int layers)
    {
        config.Watch("full_attn_idxs");
        if (config.Has("layer_types"))
            return CheckTypes(config, layers, WindowFields.Full);
        var full = config.Has("full_attn_idxs") ? config.WholeNumbers("full_attn_idxs") : [.. Enumerable.Range(0, layers)];
        return [.. Enumerable.Range(0, layers).Select(layer => full.Contains(layer) ? WindowFields.Full : Convolution)];
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
