using System.Text;
using System.Text.Json.Nodes;
using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter;

/// <summary>
/// What a configuration says of generation where <c>generation_config.json</c> does not: transformers looks at its top level, then at its
/// <c>text_config</c>, and its class has ends of its own. Services read the top level alone, so the rest is written for them.
/// </summary>
internal static class GenerationFields
{
    private static readonly string[] Known =
    [
        GgufBeside.Ends, "bos_token_id", "pad_token_id", "do_sample", "temperature", "top_k", "top_p", "min_p", "top_h", "typical_p",
        "epsilon_cutoff", "eta_cutoff", "repetition_penalty", "encoder_repetition_penalty", "no_repeat_ngram_size",
        "encoder_no_repeat_ngram_size", "min_length", "min_new_tokens", "max_length", "max_new_tokens", "suppress_tokens",
        "begin_suppress_tokens", "bad_words_ids", "sequence_bias", "exponential_decay_length_penalty", "forced_bos_token_id",
        "forced_eos_token_id", "stop_strings", "num_beams", "num_beam_groups", "diversity_penalty", "constraints", "force_words_ids",
        "penalty_alpha", "dola_layers", "guidance_scale", "remove_invalid_values", "watermarking_config", "token_healing", "max_time",
    ];

    /// <summary>A <c>generation_config.json</c> with what is missing in the files as they are; null where nothing is.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="text">Its text model; the same where it has none.</param>
    /// <param name="there">The <c>generation_config.json</c>; null where there is none.</param>
    /// <param name="classEnds">Ends of transformers' configuration class, taken where no file says any.</param>
    public static byte[]? Make(ConfigFile config, ConfigFile text, ConfigFile? there, IReadOnlyList<int> classEnds)
    {
        var missing = new JsonObject();
        if (there?.Has(GgufBeside.Ends) != true && !config.Has(GgufBeside.Ends))
        {
            // Null in the class that the field belongs to is a value: no end.
            if (text.Has(GgufBeside.Ends))
                missing[GgufBeside.Ends] = text.Node(GgufBeside.Ends);
            else if (!text.Names(GgufBeside.Ends) && classEnds.Count > 0)
                missing[GgufBeside.Ends] = new JsonArray([.. classEnds.Select(id => (JsonNode)id)]);
        }

        // Where there is a file for them, it alone has the others.
        if (there is null)
        {
            foreach (var field in Known.Where(field => field != GgufBeside.Ends && !config.Has(field) && text.Has(field)))
                missing[field] = text.Node(field);
        }

        // The ids of begin and padding change no answer.
        if (missing.All(field => field.Key is "bos_token_id" or "pad_token_id"))
            return null;
        var made = there is null ? Fields(config) : there.ToObject();
        foreach (var (field, value) in missing)
            made[field] = value?.DeepClone();
        return Encoding.UTF8.GetBytes(ConfigFile.Parse(CheckpointReader.GenerationName, "{}").With(made).ToJson() + "\n");
    }

    /// <summary>With a file of their own those of the configuration no longer count, so they go over.</summary>
    private static JsonObject Fields(ConfigFile config)
    {
        var fields = new JsonObject();
        foreach (var field in Known.Where(config.Has))
            fields[field] = config.Node(field);
        return fields;
    }
}
