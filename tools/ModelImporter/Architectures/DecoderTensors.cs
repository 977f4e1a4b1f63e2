namespace Parley.ModelImporter.Architectures;

/// <summary>The weights of a decoder, from what its configuration asks for and what its family calls them.</summary>
internal sealed class DecoderTensors(DecoderConfig config, TensorNames names)
{
    /// <summary>Prefix of the base model.</summary>
    public const string Prefix = "model.";

    private int Hidden => config.Shape.HiddenSize;

    private int QueryWidth => config.Shape.QueryHeads * config.Shape.HeadSize;

    private int KeyWidth => config.Shape.KeyValueHeads * config.Shape.HeadSize;

    public DecoderWeights ToWeights()
    {
        var embedding = new LinearPart($"{Prefix}embed_tokens.weight", null, config.Shape.VocabularySize);
        var head = config.Shape.TiedEmbeddings ? embedding : new LinearPart("lm_head.weight", null, config.Shape.VocabularySize);
        return new DecoderWeights(
            new LinearWeights("embedding", Hidden, [embedding]),
            [.. Enumerable.Range(0, config.Shape.Layers).Select(Layer)],
            Norm($"{Prefix}{names.FinalNorm}"),
            new LinearWeights("head", Hidden, [head]));
    }

    private DecoderLayerWeights Layer(int layer)
    {
        var source = $"{Prefix}layers.{layer}";
        if (config.Layers[layer].Recurrence is { } recurrence)
            return Recurrent(layer, source, recurrence);
        var headNorm = config.Layers[layer].HeadNorm;
        return new DecoderLayerWeights(
            config.Latent is { } down ? Down(layer, source, down) : Qkv(layer, source),
            Linear(layer, "attention_output", config.Latent is { } latent ? config.Shape.QueryHeads * latent.ValueSize : QueryWidth,
                Part(source, names.AttentionOutput, config.OutputBias, Hidden)),
            Mlp(layer, source))
        {
            Latent = config.Latent is null ? null : Latent(layer, $"{source}.self_attn", config.Latent),
            AttentionNorm = Optional(source, names.AttentionNorm),
            QueryNorm = headNorm is null ? null : HeadNorm($"{source}.{names.QueryNorm}", headNorm.Kind, config.Shape.QueryHeads),
            KeyNorm = headNorm is null ? null : HeadNorm($"{source}.{names.KeyNorm}", headNorm.Kind, config.Shape.KeyValueHeads),
            AttentionAfterNorm = After(source, names.AttentionAfterNorm),
            MlpNorm = config.IsParallel ? null : Optional(source, names.MlpNorm),
            MlpAfterNorm = After(source, names.MlpAfterNorm),
            Sinks = config.Layers[layer].HasSinks ? $"{source}.{names.Sinks}" : null,
        };
    }

    private DecoderLayerWeights Recurrent(int layer, string source, LayerRecurrence recurrence)
    {
        var own = names.Recurrence;
        var (input, output, weights) = recurrence switch
        {
            ShortConvolution convolution => (
                Linear(layer, "convolution_input", Hidden, Part(source, own.Input, convolution.HasBias, 3 * convolution.Channels)),
                Linear(layer, "convolution_output", convolution.Channels, Part(source, own.Output, convolution.HasBias, Hidden)),
                new ConvolutionWeights(
                    $"{source}.{own.Convolution}.weight", convolution.HasBias ? $"{source}.{own.Convolution}.bias" : null,
                    convolution.Channels, convolution.Width)),
            _ => throw new NotSupportedException($"No layer is a {recurrence.GetType().Name}."),
        };
        return new DecoderLayerWeights(input, output, Mlp(layer, source))
        {
            Recurrence = weights,
            AttentionNorm = Optional(source, names.AttentionNorm),
            AttentionAfterNorm = After(source, names.AttentionAfterNorm),
            MlpNorm = Optional(source, names.MlpNorm),
            MlpAfterNorm = After(source, names.MlpAfterNorm),
        };
    }

    private LinearWeights Qkv(int layer, string source)
    {
        LinearPart[] parts = names.PackedQkv is { } packed
            ? [Part(source, packed, config.AttentionBias, QueryWidth + (2 * KeyWidth))]
            :
            [
                Part(source, "self_attn.q_proj", config.AttentionBias, QueryWidth),
                Part(source, "self_attn.k_proj", config.AttentionBias, KeyWidth),
                Part(source, "self_attn.v_proj", config.AttentionBias, KeyWidth),
            ];
        if (config.Layers[layer].HasHeadGate)
            parts = [.. parts, Part(source, "self_attn.g_proj", bias: false, config.Shape.QueryHeads)];
        return Linear(layer, "qkv", Hidden, parts);
    }

    /// <summary>Queries, or what they are made of, and the latent with what turns.</summary>
    private LinearWeights Down(int layer, string source, LatentSettings latent) => Linear(
        layer, "qkv", Hidden,
        latent.QueryRank is { } rank
            ? Part(source, "self_attn.q_a_proj", config.AttentionBias, rank)
            : Part(source, "self_attn.q_proj", bias: false, config.Shape.QueryHeads * latent.QuerySize),
        Part(source, "self_attn.kv_a_proj_with_mqa", config.AttentionBias, latent.Rank + latent.RotarySize));

    private LatentWeights Latent(int layer, string source, LatentSettings latent)
    {
        var heads = config.Shape.QueryHeads;
        return new LatentWeights(
            latent, source, PerHead("latent_keys", "k_b_proj", latent.PlainSize, latent.Rank),
            PerHead("latent_values", "v_b_proj", latent.Rank, latent.ValueSize),
            new NormWeights([$"{source}.kv_a_layernorm.weight"], null, latent.Rank))
        {
            QueryNorm = latent.QueryRank is { } width ? new NormWeights([$"{source}.q_a_layernorm.weight"], null, width) : null,
            QueryUp = latent.QueryRank is { } rank
                ? Linear(layer, "query_up", rank, Part(source, "q_b_proj", bias: false, heads * latent.QuerySize)) : null,
        };

        IReadOnlyList<LinearWeights> PerHead(string name, string tensor, int inputs, int outputs) =>
        [
            .. Enumerable.Range(0, heads).Select(head => Linear(
                layer, $"{name}.{head}", inputs, Part($"{source}.{tensor}", $"{head}", bias: false, outputs)) with
            {
                Stack = $"layers.{layer}.{name}",
            }),
        ];
    }

    private MlpWeights Mlp(int layer, string source)
    {
        if (config.MixtureOf(layer) is { } mixture)
            return Mixture(layer, source, mixture);
        var width = config.Shape.IntermediateSize;
        var down = Linear(layer, "down", width, Part(source, names.Down, config.MlpBias, Hidden));
        if (names.Up is { } up)
        {
            return new PlainMlpWeights(Linear(layer, "up", Hidden, Part(source, up, config.MlpBias, width)), down)
            {
                Scalars = config.Activation == Activation.XIelu ? XIeluWeights(source) : [],
            };
        }

        return new GatedMlpWeights(
            Linear(layer, "gate_up", Hidden,
                [.. names.GateUp.Select(name => Part(source, name, config.MlpBias, 2 * width / names.GateUp.Count))]),
            down);
    }

    private MixtureWeights Mixture(int layer, string source, MixtureSettings settings)
    {
        var (own, bias) = (names.Experts, settings.ExpertBias);
        var shared = settings.SharedWidth;
        return new MixtureWeights(
            settings,
            Linear(layer, "router", Hidden, Part(source, own.Router, settings.RouterBias, settings.Experts)),
            Experts("gate_up", Hidden, (own.Gate, settings.Width), (own.Up, settings.Width)),
            Experts("down", settings.Width, (own.Down, Hidden)))
        {
            Correction = settings.HasCorrection ? $"{source}.{own.Correction}" : null,
            Stacks = own.Stacks(source),
            SharedStack = own.SharedStack is { } stack ? $"{source}.{stack}.weight" : null,
            Shared = shared == 0 ? null : new GatedMlpWeights(
                Linear(layer, "shared_gate_up", Hidden,
                    [.. own.SharedGateUp.Select(name => Part(source, name, config.MlpBias, 2 * shared / own.SharedGateUp.Count))]),
                Linear(layer, "shared_down", shared, Part(source, own.SharedDown, config.MlpBias, Hidden))),
        };

        IReadOnlyList<LinearWeights> Experts(string name, int inputs, params (string Name, int Outputs)[] parts) =>
        [
            .. Enumerable.Range(0, settings.Experts).Select(expert => Linear(layer, $"experts.{expert}.{name}", inputs,
                [.. parts.Select(part => Part($"{source}.{own.Experts}.{expert}", part.Name, bias, part.Outputs))]) with
            {
                Stack = $"layers.{layer}.experts.{name}",
            }),
        ];
    }

    /// <summary>Its slopes, and two numbers that are constants of the class but are stored.</summary>
    private static ScalarWeight[] XIeluWeights(string source) =>
    [
        new($"{source}.mlp.act_fn.alpha_p", true), new($"{source}.mlp.act_fn.alpha_n", true),
        new($"{source}.mlp.act_fn.beta", false), new($"{source}.mlp.act_fn.eps", false),
    ];

    private NormWeights HeadNorm(string name, HeadNormKind kind, int heads)
    {
        var size = config.Shape.HeadSize;
        return kind switch
        {
            HeadNormKind.Whole => new NormWeights([$"{name}.weight"], null, heads * size),
            HeadNormKind.PerHeadOwn => new NormWeights([.. HeadNames(name, heads)], null, heads * size)
            {
                Shape = OwnShape(name, heads),
                Stack = IsModulePerHead(name) ? $"{name}.weight" : null,
            },
            _ => new NormWeights([$"{name}.weight"], null, size),
        };
    }

    /// <summary>StableLM has a module per head, Cohere one matrix.</summary>
    private static IEnumerable<string> HeadNames(string name, int heads) => IsModulePerHead(name)
        ? Enumerable.Range(0, heads).Select(head => $"{name}.norms.{head}.weight") : [$"{name}.weight"];

    private int[]? OwnShape(string name, int heads) => IsModulePerHead(name) ? null : [heads, config.Shape.HeadSize];

    private static bool IsModulePerHead(string name) => name.EndsWith("layernorm", StringComparison.Ordinal);

    private NormWeights? After(string source, string? name) => config.HasAfterNorms ? Optional(source, name) : null;

    private NormWeights? Optional(string source, string? name) => name is null ? null : Norm($"{source}.{name}");

    private NormWeights Norm(string name) =>
        new(config.HasNormWeights ? [$"{name}.weight"] : [], config.NormBias ? $"{name}.bias" : null, Hidden);

    private static LinearWeights Linear(int layer, string name, int inputs, params LinearPart[] parts) =>
        new($"layers.{layer}.{name}", inputs, parts);

    private static LinearPart Part(string source, string name, bool bias, int outputs) =>
        new($"{source}.{name}.weight", bias ? $"{source}.{name}.bias" : null, outputs);
}
