namespace Parley.Gateway.Ollama;

/// <summary>Names of fields and models as Ollama's clients have them.</summary>
internal static class OllamaNames
{
    private const string LatestTag = ":latest";

    /// <summary>Settings that stand in <c>options</c>, under the names that they have there.</summary>
    private static readonly Dictionary<string, string> Options = new(StringComparer.Ordinal)
    {
        ["max_tokens"] = "options.num_predict",
        ["repetition_penalty"] = "options.repeat_penalty",
        ["penalty_last_n"] = "options.repeat_last_n",
        ["chat_template_kwargs"] = "think",
    };

    private static readonly HashSet<string> InOptions = new(StringComparer.Ordinal)
    {
        "temperature", "top_p", "top_k", "min_p", "typical_p", "presence_penalty", "frequency_penalty", "stop", "seed", "mirostat",
        "mirostat_tau", "mirostat_eta", "min_tokens",
    };

    /// <summary>A field of a chat request under its name there.</summary>
    /// <param name="field">As OpenAI's requests name it.</param>
    public static string OfChat(string field)
    {
        if (Options.TryGetValue(field, out var name))
            return name;
        var end = field.AsSpan().IndexOfAny('[', '.');
        return InOptions.Contains(end < 0 ? field : field[..end]) ? $"options.{field}" : field;
    }

    /// <summary>A field of a generate request under its name there: its messages are the prompt.</summary>
    public static string OfGenerate(string field) => field.StartsWith("messages", StringComparison.Ordinal) ? "prompt" : OfChat(field);

    /// <summary>A model's name without the tag that stands for none, unless it is served with it.</summary>
    public static string OfModel(string model, IReadOnlyList<string>? servedNames) =>
        model.EndsWith(LatestTag, StringComparison.Ordinal) && servedNames?.Contains(model) != true ? model[..^LatestTag.Length] : model;
}
