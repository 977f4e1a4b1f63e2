namespace Parley.ModelImporter.Architectures;

/// <summary>The text model of a multimodal checkpoint: <c>text_config</c>, and what its wrapper says of it.</summary>
internal static class TextModel
{
    private const string Field = "text_config";

    /// <summary>
    /// Multimodal <c>model_type</c>s, each with that of the text model where it does not say, and whether the class ties where it does not.
    /// </summary>
    private static readonly Dictionary<string, (string Text, bool IsTied)> Wrappers = new(StringComparer.Ordinal)
    {
        ["gemma3"] = ("gemma3_text", true),
        ["gemma4"] = ("gemma4_text", true),
        ["lfm2_vl"] = ("lfm2", true),
        ["lfm3_vl"] = ("lfm3", true),
        ["mistral3"] = ("mistral", true),
        ["qwen3_5"] = ("qwen3_5_text", false),
        ["qwen3_5_moe"] = ("qwen3_5_moe_text", false),
    };

    /// <summary>Types of multimodal checkpoints whose text model is read.</summary>
    public static IEnumerable<string> ModelTypes => Wrappers.Keys;

    /// <summary>The configuration of the text model, and its type; of another checkpoint what it has.</summary>
    /// <exception cref="InvalidDataException">A wrapper has no text model.</exception>
    public static ConfigFile Of(ConfigFile file, out string? type)
    {
        type = file.Has("model_type") ? file.Text("model_type") : null;
        if (type is null || !Wrappers.TryGetValue(type, out var fallback))
            return file;
        var text = file.Object(Field)
            ?? throw file.Unsupported(Field, "missing", $"the fields of the text model, which \"{type}\" keeps there");
        type = text.Text("model_type", fallback.Text);
        return text;
    }

    /// <summary>What the wrapper decides, and a note on what is left out.</summary>
    public static DecoderConfig Complete(ConfigFile file, DecoderConfig config) => config with
    {
        Shape = config.Shape with { TiedEmbeddings = IsTied(file, file.Text("model_type")) },
        Notes =
        [
            .. config.Notes,
            "the checkpoint sees images, too; its text model alone is imported, and a request with an image is refused.",
        ],
    };

    /// <summary>The class of LFM2 with images takes the older field first, as that without does.</summary>
    private static bool IsTied(ConfigFile file, string type)
    {
        var isTied = file.Bool("tie_word_embeddings", Wrappers[type].IsTied);
        return type == "lfm2_vl" ? file.Bool("tie_embedding", isTied) : isTied;
    }
}
