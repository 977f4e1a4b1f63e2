namespace Parley.ModelImporter.Architectures;

/// <summary>What Qwen3-Next and Qwen3.5 have in common: gated delta rules, and attention with gates in every fourth layer.</summary>
internal static class GatedDeltaFields
{
    private const int HeadsMax = 1 << 10;
    private const int KeySizeDefault = 128;

    /// <summary>Fields that transformers' classes do not let be null.</summary>
    public static IReadOnlyList<string> NeverNull { get; } =
    [
        "linear_conv_kernel_dim", "linear_key_head_dim", "linear_value_head_dim", "linear_num_key_heads", "linear_num_value_heads",
        "head_dim", "num_key_value_heads",
    ];

    /// <summary>The same of the two with experts.</summary>
    public static IReadOnlyList<string> MixtureNeverNull { get; } =
        [.. NeverNull, "num_experts", "num_experts_per_tok", "moe_intermediate_size", "shared_expert_intermediate_size"];

    /// <summary>Of the head that predicts further tokens, which transformers leaves alone, and of images.</summary>
    public static IReadOnlyList<string> Silent { get; } =
        ["mtp_use_dedicated_embeddings", "mtp_layer_types", "full_attention_interval", "attn_output_gate", "mamba_ssm_dtype"];

    private const string FurtherLayers = "mtp_num_hidden_layers";
    private const string FurtherPrefix = "mtp.";
    private const string FurtherLayer = "layers.0.";

    /// <summary>Modules of the block that predicts further tokens, and what they are called in others' checkpoints.</summary>
    private static readonly (string Own, string Known)[] FurtherModules =
    [
        ("fc.", DrafterWeights.ProjectionName + "."), ("pre_fc_norm_embedding.", DrafterWeights.EmbeddingNormName + "."),
        ("pre_fc_norm_hidden.", DrafterWeights.StreamNormName + "."), ("norm.", DrafterWeights.NormName + "."),
    ];

    /// <summary>What the modules are called.</summary>
    public static TensorNames Names { get; } = new()
    {
        Recurrence = new RecurrenceNames
        {
            Module = "linear_attn",
            Convolution = "linear_attn.conv1d",
            Output = "linear_attn.out_proj",
        },
        Experts = new ExpertNames
        {
            SharedGateUp = ["mlp.shared_expert.gate_proj", "mlp.shared_expert.up_proj"],
            SharedDown = "mlp.shared_expert.down_proj",
        },
    };

    /// <summary>As GGUF files have them.</summary>
    public static IReadOnlyList<(string Found, string Known)> OtherNames { get; } = [(".linear_attn.dt.bias", ".linear_attn.dt_bias")];

    /// <summary>
    /// Whether a tensor is one of the head that predicts further tokens; in GGUF files that is a block behind the last layer.
    /// </summary>
    public static bool IsFurther(string tensor, DecoderConfig config) =>
        tensor.StartsWith("mtp.", StringComparison.Ordinal) || tensor.StartsWith("model.mtp.", StringComparison.Ordinal)
        || FurtherBlocks.Holds(tensor, config.Shape.Layers);

    /// <summary>The known name of one of the block's tensors, where the block is used; null for none.</summary>
    public static string? RenameFurther(string tensor, IReadOnlySet<string> known)
    {
        const string Projection = $".{DrafterWeights.ProjectionName}.weight";
        var start = tensor.StartsWith(FurtherPrefix, StringComparison.Ordinal) ? FurtherPrefix.Length
            : tensor.StartsWith($"model.{FurtherPrefix}", StringComparison.Ordinal) ? $"model.{FurtherPrefix}".Length : -1;
        if (start < 0 || known.FirstOrDefault(name => name.EndsWith(Projection, StringComparison.Ordinal)) is not { } projection)
            return null;
        var (layer, own) = (projection[..^(Projection.Length - 1)], tensor[start..]);
        if (own.StartsWith(FurtherLayer, StringComparison.Ordinal))
            return layer + own[FurtherLayer.Length..];
        var module = FurtherModules.FirstOrDefault(module => own.StartsWith(module.Own, StringComparison.Ordinal));
        return module.Own is null ? null : layer + module.Known + own[module.Own.Length..];
    }

    /// <summary>Reads attention and delta rules.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="common">What all families have.</param>
    /// <param name="isStacked">Linears are stored together.</param>
    /// <exception cref="InvalidDataException">A field is malformed, or asks for what no operator does.</exception>
    public static DecoderConfig Read(ConfigFile config, DecoderConfig common, bool isStacked)
    {
        if (common.Activation != Activation.Silu)
            throw config.Unsupported("hidden_act", $"{common.Activation}", "silu, which the convolutions have, too");
        var shape = common.Shape;
        var rotary = new RotaryFields(config, shape.HeadSize, shape.ContextTokensMax) { DefaultPartial = 0.25 }.Read();
        var attention = new LayerAttention(rotary, 1 / Math.Sqrt(shape.HeadSize))
        {
            HeadNorm = new HeadNorm(HeadNormKind.PerHead, common.Norm),
            HasOutputGate = true,
        };
        var delta = new LayerAttention(null, 1) { Recurrence = ReadDelta(config) with { IsStacked = isStacked } };
        var bias = config.Bool("attention_bias", false);
        var further = config.Int(FurtherLayers, 0, 1 << 12, 0);
        var isOwn = further > 0 && config.Bool("mtp_use_dedicated_embeddings", false);
        return common with
        {
            Layers = [.. ReadTypes(config, shape.Layers).Select(isLinear => isLinear ? delta : attention)],
            AttentionBias = bias,
            OutputBias = bias,
            Drafter = further == 0 || isOwn ? null : attention,
            Notes =
            [
                .. common.Notes, .. FurtherBlocks.Notes(FurtherLayers, isOwn ? 0 : further),
                .. isOwn ? [FurtherBlocks.LeftOut("mtp_use_dedicated_embeddings is true")] : Array.Empty<string>(),
            ],
        };
    }

    /// <summary>The experts of a family, by the softmax of all of them, beside an MLP with a gate of its own.</summary>
    public static MixtureSettings ReadMixture(ConfigFile config, Activation activation, int experts, int chosen)
    {
        var shared = config.Int("shared_expert_intermediate_size", 0, 1 << 22, 512);
        return MixtureFields.Read(config, activation, ("num_experts", experts, "num_local_experts"), chosen,
            config.Int("moe_intermediate_size", 1, 1 << 22, 512), RouterScoring.SoftmaxOfAll) with
        {
            Normalizes = true,
            SharedWidth = shared,
            HasSharedGate = shared > 0,
        };
    }

    private static GatedDelta ReadDelta(ConfigFile config)
    {
        var keyHeads = config.Int("linear_num_key_heads", 1, HeadsMax, 16);
        var delta = new GatedDelta(
            keyHeads,
            config.Int("linear_num_value_heads", 1, HeadsMax, 32),
            config.Int("linear_key_head_dim", 1, GatedDelta.SizeMax, KeySizeDefault),
            config.Int("linear_value_head_dim", 1, GatedDelta.SizeMax, KeySizeDefault),
            config.Int("linear_conv_kernel_dim", 2, ShortConvolution.WidthMax, 4));
        if (delta.ValueHeads % keyHeads != 0)
            throw config.Unsupported("linear_num_value_heads", $"{delta.ValueHeads}", $"multiples of linear_num_key_heads ({keyHeads})");
        if (delta.KeySize % 16 != 0)
            throw config.Unsupported("linear_key_head_dim", $"{delta.KeySize}", "multiples of 16");
        return delta.ValueSize % 16 == 0 ? delta
            : throw config.Unsupported("linear_value_head_dim", $"{delta.ValueSize}", "multiples of 16");
    }

    /// <summary>Whether each layer has a delta rule.</summary>
    private static IReadOnlyList<bool> ReadTypes(ConfigFile config, int layers)
    {
        const string Types = "layer_types", Interval = "full_attention_interval";
        if (config.Has(Types))
            return HybridTypes.Read(config, Types, layers);
        var interval = config.Int(Interval, 1, 1 << 12, 4);
        return HybridTypes.Check(config, Interval, [.. Enumerable.Range(1, layers).Select(layer => layer % interval != 0)]);
    }
}
