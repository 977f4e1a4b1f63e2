namespace Parley.ModelImporter.Architectures;

/// <summary>Fields of <c>config.json</c> that every family has: those of no consequence, those that are refused, and the sizes.</summary>
internal static class CommonFields
{
    private const int NamedMax = 8;

    /// <summary>Fields that any configuration may have and that change what transformers computes, each with what is supported.</summary>
    public static IReadOnlyList<(string Field, string Supported)> Refused { get; } =
    [
        ("per_layer_config", "layers that are all alike"),
        ("text_config", "the text model alone"),
        ("kv_sharing_modes", "layers with keys and values of their own"),
        ("is_encoder_decoder", "decoders"),
        ("use_bidirectional_attention", "attention to what stands before"),
        ("attention_chunk_size", "attention to everything before"),
    ];

    /// <summary>Of no consequence for the logits: training, bookkeeping, sampling.</summary>
    public static IReadOnlySet<string> Neutral { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "architectures", "model_type", "bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id", "sep_token_id", "eod_token_id",
        "initializer_range", "use_cache", "pretraining_tp", "attention_dropout", "resid_pdrop", "embd_pdrop", "residual_dropout",
        "embedding_dropout", "hidden_dropout", "torch_dtype", "dtype", "transformers_version", "name_or_path", "return_dict",
        "output_attentions", "output_hidden_states", "chunk_size_feed_forward", "id2label", "label2id", "num_labels", "problem_type",
        "do_sample", "temperature", "top_k", "top_p", "typical_p", "min_length", "max_length", "num_beams", "num_return_sequences",
        "repetition_penalty", "length_penalty", "attn_implementation", "max_sequence_length", "is_llama_config",
        "transformers.js_config", "unsloth_version", "unsloth_fixed", "cache_implementation",
    };

    /// <summary>
    /// Refuses what no family honours. transformers' masks read <c>is_causal</c>: what such a configuration gives there is not what this
    /// graph computes.
    /// </summary>
    /// <exception cref="InvalidDataException">One of the fields is set.</exception>
    /// <param name="config">The configuration.</param>
    /// <param name="read">Those of the fields that the family reads itself.</param>
    public static void RefuseOtherMathematics(ConfigFile config, IReadOnlyList<string> read)
    {
        config.RefuseNull("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
            "max_position_embeddings", "tie_word_embeddings", "attention_bias", "mlp_bias", "is_causal");
        config.Watch("is_causal", "auto_map");
        foreach (var (field, supported) in Refused.Where(entry => !read.Contains(entry.Field)))
        {
            config.Watch(field);
            if (config.IsSet(field))
                throw config.Unsupported(field, "set", supported);
        }

        if (!config.Bool("is_causal", true))
            throw config.Unsupported("is_causal", "false", "true");
    }

    /// <summary>Refuses windows where a family has none: its cache reads them there, its model does not.</summary>
    /// <exception cref="InvalidDataException">There is one.</exception>
    public static void RefuseWindows(ConfigFile config)
    {
        config.Watch("layer_types", "sliding_window");
        if (config.Has("layer_types"))
        {
            if (config.Texts("layer_types").FirstOrDefault(type => type is not (WindowFields.Full or WindowFields.OldFull)) is { } other)
                throw config.Unsupported("layer_types", $"a list with \"{other}\"", WindowFields.Full);
            return;
        }

        if (config.Has("sliding_window"))
            throw config.Unsupported("sliding_window", "set", "attention to everything before");
    }

    /// <summary>One sentence for each kind of field that is set and changes nothing, as in transformers.</summary>
    /// <param name="config">The configuration; whatever of it was read was honoured.</param>
    /// <param name="name">The class of transformers.</param>
    /// <param name="silent">Fields of the family's own that change nothing.</param>
    public static IReadOnlyList<string> Notes(ConfigFile config, string name, IReadOnlyList<string> silent)
    {
        var notes = new List<string>();
        if (config.IsSet("auto_map"))
        {
            notes.Add(
                $"auto_map names code that the checkpoint brings; it is not run, the model is computed as transformers' own {name}.");
        }

        var asked = config.Asked.Concat(silent).ToHashSet(StringComparer.Ordinal);
        var unread = config.SetFields.Where(field => !Neutral.Contains(field) && !asked.Contains(field) && !field.StartsWith('_'))
            .Order(StringComparer.Ordinal).ToList();
        if (unread.Count > 0)
        {
            notes.Add($"fields that transformers' {name} does not read are ignored, as there: {string.Join(", ", unread.Take(NamedMax))}"
                + (unread.Count > NamedMax ? $" and {unread.Count - NamedMax} more." : "."));
        }

        return notes;
    }
}
