namespace Parley.ModelImporter.Architectures;

/// <summary>The weights of a decoder, from what its configuration asks for and what its family calls them.</summary>
internal sealed class DecoderTensors(DecoderConfig config, TensorNames names)
{
    /// <summary>Prefix of the base model.</summary>
    public const string Prefix = "model.";

    private int Hidden => config.Shape.HiddenSize;

    private int QueryWidth(int layer) => config.Shape.QueryHeads * config.HeadSizeOf(layer);

    private int KeyWidth(int layer) => config.KeyValueHeadsOf(layer) * config.HeadSizeOf(layer);

    public DecoderWeights ToWeights()
    {
        var embedding = new LinearPart($"{Prefix}embed_tokens.weight", null, config.Shape.VocabularySize);
        var head = config.Shape.TiedEmbeddings ? embedding : new LinearPart("lm_head.weight", null, config.Shape.VocabularySize);
        return new DecoderWeights(
            new LinearWeights("embedding", Hidden, [embedding]),
            [.. Enumerable.Range(0, config.Shape.Layers).Select(Layer)],
            Norm($"{Prefix}{names.FinalNorm}"),
            new LinearWeights("head", Hidden, [head]))
        {
            PerLayer = config.PerLayer is { } perLayer ? PerLayer(perLayer) : null,
            Drafter = config.Drafter is null ? null : new DecoderTensors(config.ToDrafter(), names).Drafter(),
        };
    }

    /// <summary>The block behind the last layer.</summary>
    private DrafterWeights Drafter()
    {
        var layer = config.Shape.Layers;
        var source = $"{Prefix}layers.{layer}";
        return new DrafterWeights(
            Norm($"{source}.{DrafterWeights.EmbeddingNormName}"),
            Norm($"{source}.{DrafterWeights.StreamNormName}"),
            Linear(layer, "drafter_input", 2 * Hidden, Part(source, DrafterWeights.ProjectionName, bias: false, Hidden)),
            Layer(layer),
            Norm($"{source}.{DrafterWeights.NormName}"));
    }

    private PerLayerWeights PerLayer(PerLayerSettings settings)
    {
        var (own, width) = (names.PerLayer, config.Shape.Layers * settings.Width);
        return new PerLayerWeights(
            new LinearWeights("per_layer.table", width, [new LinearPart($"{Prefix}{own.Table}.weight", null, settings.Rows)]),
            new LinearWeights("per_layer.projection", Hidden, [new LinearPart($"{Prefix}{own.Projection}.weight", null, width)]),
            new NormWeights([$"{Prefix}{own.Norm}.weight"], null, settings.Width));
    }

    private PerLayerInput PerLayerInput(int layer, string source, PerLayerSettings settings)
    {
        var own = names.PerLayerInput;
        return new PerLayerInput(
            Linear(layer, "per_layer_gate", Hidden, Part(source, own.Gate, false, settings.Width)),
            Linear(layer, "per_layer_projection", settings.Width, Part(source, own.Projection, false, Hidden)),
            Norm($"{source}.{own.AfterNorm}"));
    }

    private DecoderLayerWeights Layer(int layer)
    {
        var source = $"{Prefix}layers.{layer}";
        if (config.Layers[layer].Recurrence is { } recurrence)
            return Recurrent(layer, source, recurrence);
        var headNorm = config.Layers[layer].HeadNorm;
        var (size, heads) = (config.HeadSizeOf(layer), config.KeyValueHeadsOf(layer));
        var hasKeys = config.Layers[layer].KeysOf is null;
        return new DecoderLayerWeights(
            config.Latent is { } down ? Down(layer, source, down) : Qkv(layer, source),
            Linear(layer, "attention_output", config.Latent is { } latent ? config.Shape.QueryHeads * latent.ValueSize : QueryWidth(layer),
                Part(source, names.AttentionOutput, config.OutputBias, Hidden)),
            Mlp(layer, source))
        {
            Latent = config.Latent is null ? null : Latent(layer, $"{source}.self_attn", config.Latent),
            AttentionNorm = Optional(source, names.AttentionNorm),
            QueryNorm = headNorm is null ? null : HeadNorm($"{source}.{names.QueryNorm}", headNorm.Kind, config.Shape.QueryHeads, size),
            KeyNorm = headNorm is null || !hasKeys ? null : HeadNorm($"{source}.{names.KeyNorm}", headNorm.Kind, heads, size),
            AttentionAfterNorm = After(source, names.AttentionAfterNorm),
            MlpNorm = config.IsParallel ? null : Optional(source, names.MlpNorm),
            MlpAfterNorm = After(source, names.MlpAfterNorm),
            PerLayer = config.PerLayer is { } perLayer ? PerLayerInput(layer, source, perLayer) : null,
            StreamScale = config.HasStreamScales ? $"{source}.{names.StreamScale}" : null,
            Sinks = config.Layers[layer].HasSinks ? $"{source}.{names.Sinks}" : null,
            Stacks = [.. GatedQueries(layer, source), .. MlpStacks(layer, source)],
        };
    }

    private DecoderLayerWeights Recurrent(int layer, string source, LayerRecurrence recurrence)
    {
        var own = names.Recurrence;
        (LinearWeights Input, LinearWeights Output, RecurrenceWeights Weights) all = recurrence switch
        {
            ShortConvolution convolution => (
                Linear(layer, "convolution_input", Hidden, Part(source, own.Input, convolution.HasBias, 3 * convolution.Channels)),
                Linear(layer, "convolution_output", convolution.Channels, Part(source, own.Output, convolution.HasBias, Hidden)),
                new ConvolutionWeights(
                    $"{source}.{own.Convolution}.weight", convolution.HasBias ? $"{source}.{own.Convolution}.bias" : null,
                    convolution.Channels, convolution.Width)),
            GatedDelta delta => GatedDelta(layer, source, delta),
            MambaScan mamba => Mamba(layer, source, mamba),
            _ => throw new NotSupportedException($"No layer is a {recurrence.GetType().Name}."),
        };
        var (input, output, weights) = all;
        return new DecoderLayerWeights(input, output, Mlp(layer, source))
        {
            Recurrence = weights,
            Stacks = [.. RecurrentStacks(source, recurrence, input, weights), .. MlpStacks(layer, source)],
            AttentionNorm = Optional(source, names.AttentionNorm),
            AttentionAfterNorm = After(source, names.AttentionAfterNorm),
            MlpNorm = Optional(source, names.MlpNorm),
            MlpAfterNorm = After(source, names.MlpAfterNorm),
        };
    }

    private LinearWeights Qkv(int layer, string source)
    {
        var (queries, keys, attention) = (QueryWidth(layer), KeyWidth(layer), config.Layers[layer]);
        LinearPart[] parts = names.PackedQkv is { } packed
            ? [Part(source, packed, config.AttentionBias, queries + (2 * keys))]
            :
            [
                Part(source, QueryName(layer), config.AttentionBias, queries),
                Part(source, "self_attn.k_proj", config.AttentionBias, keys),
                Part(source, "self_attn.v_proj", config.AttentionBias, keys),
            ];
        if (attention.KeysOf is not null)
            parts = parts[..1];
        else if (attention.KeysAreValues)
            parts = parts[..2];
        if (attention.HasOutputGate)
            parts = [.. parts, Part(source, "self_attn.q_proj.gate", config.AttentionBias, queries)];
        if (attention.HasHeadGate)
            parts = [.. parts, Part(source, "self_attn.g_proj", bias: false, config.Shape.QueryHeads)];
        return Linear(layer, "qkv", Hidden, parts);
    }

    /// <summary>Where queries have gates beside them, both are rows of one matrix.</summary>
    private string QueryName(int layer) => config.Layers[layer].HasOutputGate ? "self_attn.q_proj.query" : "self_attn.q_proj";

    private IEnumerable<TurnStack> GatedQueries(int layer, string source)
    {
        if (!config.Layers[layer].HasOutputGate)
            yield break;
        var parts = Qkv(layer, source).Parts;
        var size = config.Shape.HeadSize;
        yield return new TurnStack(
            $"{source}.self_attn.q_proj", Hidden, config.Shape.QueryHeads, [(parts[0], size), (parts[^1], size)]);
    }

    /// <summary>Gate and up that may lie in one matrix.</summary>
    private IEnumerable<TurnStack> MlpStacks(int layer, string source)
    {
        if (names.GateUpStack is not { } stack || config.MixtureOf(layer) is not null)
            yield break;
        var parts = ((GatedMlpWeights)Mlp(layer, source)).GateUp.Parts;
        yield return new TurnStack($"{source}.{stack}", Hidden, 1, [.. parts.Select(part => (part, part.Outputs))]);
    }

    private (LinearWeights Input, LinearWeights Output, RecurrenceWeights Weights) GatedDelta(int layer, string source, GatedDelta delta)
    {
        var module = $"{source}.{names.Recurrence.Module}";
        var (keys, values) = (delta.KeyHeads * delta.KeySize, delta.ValueWidth);
        // Stacked ones take turns by key head, so queries, keys and values are parts of their own.
        LinearPart[] mixed = delta.IsStacked
            ? [Part(module, "in_proj_q", false, keys), Part(module, "in_proj_k", false, keys), Part(module, "in_proj_v", false, values)]
            : [Part(module, "in_proj_qkv", false, delta.Channels)];
        var factors = Linear(layer, "delta_factors", Hidden,
            Part(module, "in_proj_b", false, delta.ValueHeads), Part(module, "in_proj_a", false, delta.ValueHeads));
        return (
            Linear(layer, "delta_input", Hidden, [.. mixed, Part(module, "in_proj_z", false, values)]),
            Linear(layer, "delta_output", values, Part(source, names.Recurrence.Output, false, Hidden)),
            new GatedDeltaWeights(
                delta, new ConvolutionWeights($"{source}.{names.Recurrence.Convolution}.weight", null, delta.Channels, delta.Width),
                factors, module));
    }

    private (LinearWeights Input, LinearWeights Output, RecurrenceWeights Weights) Mamba(int layer, string source, MambaScan mamba)
    {
        var own = names.Recurrence;
        var convolution = $"{source}.{own.Convolution}";
        return (
            Linear(layer, "mamba_input", Hidden,
                Part(source, $"{own.Input}.gate", mamba.HasBias, mamba.Inner),
                Part(source, $"{own.Input}.mixed", mamba.HasBias, mamba.Channels)),
            Linear(layer, "mamba_output", mamba.Inner, Part(source, own.Output, mamba.HasBias, Hidden)),
            new MambaWeights(
                mamba,
                new ConvolutionWeights(
                    $"{convolution}.weight", mamba.HasConvolutionBias ? $"{convolution}.bias" : null, mamba.Channels, mamba.Width),
                Linear(layer, "mamba_times", Hidden, Part(source, $"{own.Input}.times", mamba.HasBias, mamba.Heads)),
                $"{source}.{own.Module}"));
    }

    private IEnumerable<TurnStack> RecurrentStacks(
        string source, LayerRecurrence recurrence, LinearWeights input, RecurrenceWeights weights)
    {
        if (recurrence is MambaScan)
        {
            yield return new TurnStack(
                $"{source}.{names.Recurrence.Input}", Hidden, 1,
                [.. input.Parts.Concat(weights.Linears[0].Parts).Select(part => (part, part.Outputs))]);
        }

        if (recurrence is not GatedDelta { IsStacked: true } delta)
            yield break;
        var module = $"{source}.{names.Recurrence.Module}";
        yield return Turns($"{module}.in_proj_qkvz", input.Parts);
        yield return Turns($"{module}.in_proj_ba", weights.Linears[0].Parts);
        // A GGUF file has the first of the two in parts.
        yield return new TurnStack($"{module}.in_proj_qkv", Hidden, 1, [.. input.Parts.Take(3).Select(part => (part, part.Outputs))]);

        TurnStack Turns(string name, IReadOnlyList<LinearPart> parts) =>
            new(name, Hidden, delta.KeyHeads, [.. parts.Select(part => (part, part.Outputs / delta.KeyHeads))]);
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
        var width = config.WidthOf(layer);
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
        var shared = settings.IsSandwich ? config.WidthOf(layer) : settings.SharedWidth;
        return new MixtureWeights(
            settings,
            Linear(layer, "router", Hidden, Part(source, own.Router, settings.RouterBias, settings.Experts)),
            Experts("gate_up", Hidden, (own.Gate, settings.Width), (own.Up, settings.Width)),
            Experts("down", settings.Width, (own.Down, Hidden)))
        {
            Correction = settings.HasCorrection ? $"{source}.{own.Correction}" : null,
            ExpertScales = settings.HasExpertScales ? $"{source}.{own.Scales}" : null,
            Sandwich = !settings.IsSandwich ? null : new SandwichNorms(
                new NormWeights([$"{source}.{own.RouterNorm}"], null, Hidden), Norm($"{source}.{own.ExpertsNorm}"),
                Norm($"{source}.{own.ExpertsAfterNorm}"), Norm($"{source}.{own.SharedAfterNorm}")),
            Stacks = own.Stacks(source),
            SharedGate = settings.HasSharedGate
                ? Linear(layer, "shared_gate", Hidden, Part(source, own.SharedGate, false, 1)) : null,
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

    private static NormWeights HeadNorm(string name, HeadNormKind kind, int heads, int size) => kind switch
    {
        HeadNormKind.Whole => new NormWeights([$"{name}.weight"], null, heads * size),
        HeadNormKind.PerHeadOwn => new NormWeights([.. HeadNames(name, heads)], null, heads * size)
        {
            Shape = IsModulePerHead(name) ? null : [heads, size],
            Stack = IsModulePerHead(name) ? $"{name}.weight" : null,
        },
        _ => new NormWeights([$"{name}.weight"], null, size),
    };

    /// <summary>StableLM has a module per head, Cohere one matrix.</summary>
    private static IEnumerable<string> HeadNames(string name, int heads) => IsModulePerHead(name)
        ? Enumerable.Range(0, heads).Select(head => $"{name}.norms.{head}.weight") : [$"{name}.weight"];

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
