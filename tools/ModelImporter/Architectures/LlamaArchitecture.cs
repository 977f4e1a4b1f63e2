using Parley.PackageFormat;


namespace Parley.ModelImporter.Architectures;

/// <summary>Llama 2 and 3, SmolLM2 and every other checkpoint of <c>LlamaForCausalLM</c>.</summary>
internal sealed class LlamaArchitecture : IArchitecture
{
    private const string HeadName = "lm_head.weight";

    public string Name => "LlamaForCausalLM";

    public DecoderConfig ReadConfig(ConfigFile config)
    {
        var activation = config.Text("hidden_act", "silu");
        if (activation != "silu")
            throw config.Unsupported("hidden_act", $"\"{activation}\"", "silu");
        if (config.Has("quantization_config"))
            throw config.Unsupported("quantization_config", "set", "checkpoints in F32, F16 or BF16");
        if (config.Positive("partial_rotary_factor", 1, 1) < 1)
            throw config.Unsupported("partial_rotary_factor", "below 1", "1");

        var hidden = config.Int("hidden_size", 1, 1 << 20);
        var heads = config.Int("num_attention_heads", 1, 1 << 14);
        var keyValueHeads = config.Int("num_key_value_heads", 1, 1 << 14, heads);
        if (heads % keyValueHeads != 0)
            throw config.Unsupported("num_key_value_heads", $"{keyValueHeads}", $"divisors of num_attention_heads ({heads})");
        var headSize = config.Int("head_dim", 1, 1 << 12, hidden % heads == 0 ? hidden / heads : null);
        if (headSize % 16 != 0)
            throw config.Unsupported("head_dim", $"{headSize}", "multiples of 16");
        var shape = new ModelShape(
            config.Int("num_hidden_layers", 1, 1 << 12),
            hidden,
            config.Int("intermediate_size", 1, 1 << 22),
            heads,
            keyValueHeads,
            headSize,
            config.Int("vocab_size", 1, 1 << 26),
            config.Int("max_position_embeddings", 1, int.MaxValue, 2048),
            config.Bool("tie_word_embeddings", false));
        return new DecoderConfig(
            Name,
            shape,
            (float)config.Positive("rms_norm_eps", 1, 1e-6),
            RotarySettings.Read(config),
            config.Bool("attention_bias", false),
            config.Bool("mlp_bias", false));
    }

    public DecoderWeights Weights(DecoderConfig config)
    {
        var shape = config.Shape;
        var embedding = new LinearPart("model.embed_tokens.weight", null, shape.VocabularySize);
        var head = shape.TiedEmbeddings ? embedding : new LinearPart(HeadName, null, shape.VocabularySize);
        return new DecoderWeights(
            new LinearWeights("embedding", shape.HiddenSize, [embedding]),
            [.. Enumerable.Range(0, shape.Layers).Select(layer => Layer(config, layer))],
            "model.norm.weight",
            new LinearWeights("head", shape.HiddenSize, [head]));
    }

    /// <summary>
    /// Frequencies that old checkpoints stored are computed anew; a stored copy of a tied head is what transformers ignores, too.
    /// </summary>
    public bool Ignores(string tensor, DecoderConfig config) =>
        tensor.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) || (config.Shape.TiedEmbeddings && tensor == HeadName);

    private static DecoderLayerWeights Layer(DecoderConfig config, int layer)
    {
        var shape = config.Shape;
        var source = $"model.layers.{layer}";
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
