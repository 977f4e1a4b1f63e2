using Parley.PackageFormat;

namespace Parley.ModelImporter.Architectures;

/// <summary>Llama 2 and 3, SmolLM2 and every other checkpoint whose <c>model_type</c> is <c>llama</c>.</summary>
internal sealed class LlamaArchitecture : IArchitecture
{
    /// <summary>Positions where <c>max_position_embeddings</c> is missing.</summary>
    public const int DefaultContext = 2048;

    private const string Prefix = "model.";

    /// <summary>Fields that any configuration may have and that change what transformers computes, each with what is supported.</summary>
    private static readonly (string Field, string Supported)[] Refused =
    [
        ("quantization_config", "checkpoints in F32, F16 or BF16"),
        ("per_layer_config", "layers that are all alike"),
        ("text_config", "the text model alone"),
        ("kv_sharing_modes", "layers with keys and values of their own"),
        ("is_encoder_decoder", "decoders"),
    ];

    public string Name => "LlamaForCausalLM";

    public string ModelType => "llama";

    public DecoderConfig ReadConfig(ConfigFile config)
    {
        // transformers refuses them, too.
        config.RefuseNull("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "hidden_act",
            "max_position_embeddings", "rms_norm_eps", "tie_word_embeddings", "attention_bias", "mlp_bias", "is_causal");
        RefuseOtherMathematics(config);
        var hidden = config.Int("hidden_size", 1, 1 << 20, 4096);
        var heads = config.Int("num_attention_heads", 1, 1 << 14, 32);
        var keyValueHeads = config.Int("num_key_value_heads", 1, 1 << 14, heads);
        if (heads % keyValueHeads != 0)
            throw config.Unsupported("num_key_value_heads", $"{keyValueHeads}", $"divisors of num_attention_heads ({heads})");
        var headSize = config.Int("head_dim", 1, 1 << 12, hidden % heads == 0 ? hidden / heads : null);
        if (headSize % 16 != 0)
            throw config.Unsupported("head_dim", $"{headSize}", "multiples of 16");
        var shape = new ModelShape(
            config.Int("num_hidden_layers", 1, 1 << 12, 32),
            hidden,
            config.Int("intermediate_size", 1, 1 << 22, 11_008),
            heads,
            keyValueHeads,
            headSize,
            config.Int("vocab_size", 1, 1 << 26, 32_000),
            config.Int("max_position_embeddings", 1, int.MaxValue, DefaultContext),
            config.Bool("tie_word_embeddings", false));
        return new DecoderConfig(
            Name,
            shape,
            (float)config.Positive("rms_norm_eps", 1, 1e-6),
            RotarySettings.Read(config),
            config.Bool("attention_bias", false),
            config.Bool("mlp_bias", false))
        {
            Notes = LlamaFields.Notes(config),
        };
    }

    /// <summary>
    /// transformers' Llama model reads no window, but its cache does, and its masks read <c>is_causal</c>: what such a configuration
    /// gives there is not what this graph computes.
    /// </summary>
    private static void RefuseOtherMathematics(ConfigFile config)
    {
        var activation = config.Text("hidden_act", "silu");
        if (activation is not ("silu" or "swish"))
            throw config.Unsupported("hidden_act", $"\"{activation}\"", "silu, swish");
        foreach (var (field, supported) in Refused)
        {
            if (config.IsSet(field))
                throw config.Unsupported(field, "set", supported);
        }

        if (!config.Bool("is_causal", true))
            throw config.Unsupported("is_causal", "false", "true");
        if (config.Has("layer_types"))
        {
            if (config.Texts("layer_types").FirstOrDefault(type => type is not ("full_attention" or "attention")) is { } other)
                throw config.Unsupported("layer_types", $"a list with \"{other}\"", "full_attention");
            return;
        }

        foreach (var window in new[] { "sliding_window", "attention_chunk_size" })
        {
            if (config.Has(window))
                throw config.Unsupported(window, "set", "attention to everything before");
        }
    }

    public DecoderWeights Weights(DecoderConfig config)
    {
        var shape = config.Shape;
        var embedding = new LinearPart($"{Prefix}embed_tokens.weight", null, shape.VocabularySize);
        var head = shape.TiedEmbeddings ? embedding : new LinearPart("lm_head.weight", null, shape.VocabularySize);
        return new DecoderWeights(
            new LinearWeights("embedding", shape.HiddenSize, [embedding]),
            [.. Enumerable.Range(0, shape.Layers).Select(layer => Layer(config, layer))],
            $"{Prefix}norm.weight",
            new LinearWeights("head", shape.HiddenSize, [head]));
    }

    /// <summary>Checkpoints of the base model lack the prefix, and some tools give it to the head, too.</summary>
    public string Rename(string tensor, IReadOnlySet<string> known)
    {
        if (tensor.StartsWith(Prefix, StringComparison.Ordinal) && known.Contains(tensor[Prefix.Length..]))
            return tensor[Prefix.Length..];
        return known.Contains(Prefix + tensor) ? Prefix + tensor : tensor;
    }

    /// <summary>Frequencies that old checkpoints stored are computed anew.</summary>
    public bool Ignores(string tensor) => tensor.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal);

    private static DecoderLayerWeights Layer(DecoderConfig config, int layer)
    {
        var shape = config.Shape;
        var source = $"{Prefix}layers.{layer}";
        var queries = shape.QueryHeads * shape.HeadSize;
        var keys = shape.KeyValueHeads * shape.HeadSize;
        return new DecoderLayerWeights(
            $"{source}.input_layernorm.weight",
            new LinearWeights($"layers.{layer}.qkv", shape.HiddenSize,
                [Attention("q_proj", queries), Attention("k_proj", keys), Attention("v_proj", keys)]),
            new LinearWeights($"layers.{layer}.attention_output", queries, [Attention("o_proj", shape.HiddenSize)]),
            $"{source}.post_attention_layernorm.weight",
            new LinearWeights($"layers.{layer}.gate_up", shape.HiddenSize,
                [Mlp("gate_proj", shape.IntermediateSize), Mlp("up_proj", shape.IntermediateSize)]),
            new LinearWeights($"layers.{layer}.down", shape.IntermediateSize, [Mlp("down_proj", shape.HiddenSize)]));

        LinearPart Attention(string name, int outputs) => Part($"{source}.self_attn.{name}", config.AttentionBias, outputs);

        LinearPart Mlp(string name, int outputs) => Part($"{source}.mlp.{name}", config.MlpBias, outputs);

        static LinearPart Part(string name, bool bias, int outputs) => new($"{name}.weight", bias ? $"{name}.bias" : null, outputs);
    }
}
