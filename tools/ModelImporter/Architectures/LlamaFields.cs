namespace Parley.ModelImporter.Architectures;

/// <summary>Fields of <c>config.json</c> that LlamaForCausalLM of transformers knows, and what to say of the others.</summary>
internal static class LlamaFields
{
    private const int NamedMax = 8;

    /// <summary>Read here, or of no consequence for the logits: training, bookkeeping, sampling.</summary>
    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "architectures", "model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "head_dim", "hidden_act", "max_position_embeddings", "rms_norm_eps", "tie_word_embeddings",
        "attention_bias", "mlp_bias", "rope_theta", "rope_scaling", "rope_parameters", "original_max_position_embeddings",
        "layer_types", "sliding_window", "is_causal", "bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id", "sep_token_id",
        "initializer_range", "use_cache", "pretraining_tp", "attention_dropout", "torch_dtype", "dtype", "transformers_version",
        "name_or_path", "return_dict", "output_attentions", "output_hidden_states", "chunk_size_feed_forward", "id2label", "label2id",
        "num_labels", "problem_type", "do_sample", "temperature", "top_k", "top_p", "typical_p", "min_length", "max_length",
        "num_beams", "num_return_sequences", "repetition_penalty", "length_penalty", "attn_implementation", "max_sequence_length",
        "is_llama_config", "transformers.js_config", "unsloth_version", "unsloth_fixed",
    };

    /// <summary>One sentence for each kind of field that is set and changes nothing, as in transformers.</summary>
    public static IReadOnlyList<string> Notes(ConfigFile config)
    {
        var notes = new List<string>();
        if (config.IsSet("auto_map"))
            notes.Add("auto_map names code that the checkpoint brings; it is not run, the model is computed as transformers' own Llama.");
        var unread = config.SetFields.Where(field => !Known.Contains(field) && !field.StartsWith('_') && field != "auto_map")
            .Order(StringComparer.Ordinal).ToList();
        if (unread.Count > 0)
        {
            notes.Add($"fields that transformers' Llama does not read are ignored, as there: {string.Join(", ", unread.Take(NamedMax))}"
                + (unread.Count > NamedMax ? $" and {unread.Count - NamedMax} more." : "."));
        }

        return notes;
    }
}
