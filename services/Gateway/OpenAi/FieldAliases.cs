using System.Collections.Frozen;

namespace Parley.Gateway.OpenAi;

/// <summary>Names that other servers give to settings which are here as well.</summary>
internal static class FieldAliases
{
    private static readonly FrozenDictionary<string, string> Settings = new Dictionary<string, string>
    {
        ["max_completion_tokens"] = "max_tokens",
        ["max_new_tokens"] = "max_tokens",
        ["max_output_tokens"] = "max_tokens",
        ["n_predict"] = "max_tokens",
        ["num_predict"] = "max_tokens",
        ["min_new_tokens"] = "min_tokens",
        ["repeat_penalty"] = "repetition_penalty",
        ["rep_pen"] = "repetition_penalty",
        ["typical"] = "typical_p",
        ["typ_p"] = "typical_p",
        ["random_seed"] = "seed",
        ["sampling_seed"] = "seed",
        ["stop_sequences"] = "stop",
        ["stop_strings"] = "stop",
        ["num_return_sequences"] = "n",
        ["nsigma"] = "top_n_sigma",
        ["mirostat_mode"] = "mirostat",
        ["penalty_last_n"] = "repeat_last_n",
        ["repetition_penalty_range"] = "repeat_last_n",
        ["rep_pen_range"] = "repeat_last_n",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>From each of them to the name here.</summary>
    public static IReadOnlyDictionary<string, string> All => Settings;

    /// <summary>The name under which a field is read here.</summary>
    public static string SettingOf(string name) => Settings.GetValueOrDefault(name, name);
}
