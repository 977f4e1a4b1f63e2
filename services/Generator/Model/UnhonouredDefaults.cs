using System.Text.Json;

namespace Parley.Generator.Model;

/// <summary>
/// The keys of <c>generation_config.json</c> that change what <c>generate</c> of transformers answers and that this service does not
/// follow. A value under which a key changes nothing is none, and neither is a key that transformers does not know.
/// </summary>
internal static class UnhonouredDefaults
{
    private static readonly (string Key, Func<JsonElement, bool> Matters)[] Keys =
    [
        // Other ways to search than one sequence, token by token.
        ("num_beams", value => !IsNumber(value, number => number <= 1)),
        ("num_beam_groups", value => !IsNumber(value, number => number <= 1)),
        ("diversity_penalty", value => !IsNumber(value, number => number == 0)),
        ("constraints", _ => true),
        ("force_words_ids", _ => true),
        ("penalty_alpha", value => !IsNumber(value, number => number <= 0)),
        ("dola_layers", _ => true),
        ("guidance_scale", value => !IsNumber(value, number => number == 1)),

        // Processors of logits.
        ("encoder_no_repeat_ngram_size", value => !IsNumber(value, number => number <= 0)),
        ("remove_invalid_values", value => value.ValueKind != JsonValueKind.False),
        ("watermarking_config", _ => true),

        // What comes before and ends after the answer.
        ("token_healing", value => value.ValueKind != JsonValueKind.False),
        ("max_time", _ => true),
    ];

    /// <summary>The keys of a file that are not followed and matter, in the order of this table.</summary>
    public static IReadOnlyList<string> Find(JsonElement root) =>
    [
        .. Keys.Where(key => root.TryGetProperty(key.Key, out var value) && value.ValueKind != JsonValueKind.Null && key.Matters(value))
            .Select(key => key.Key),
    ];

    private static bool IsNumber(JsonElement value, Func<double, bool> isNeutral) =>
        value.ValueKind == JsonValueKind.Number && isNeutral(value.GetDouble());
}
