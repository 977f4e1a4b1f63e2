using System.Text.Json.Nodes;
using Parley.ModelImporter.Gguf.Metadata;

namespace Parley.ModelImporter.Gguf.Families;

/// <summary>What a GGUF file says of its model, for a family to read.</summary>
/// <param name="Keys">Metadata of the architecture.</param>
/// <param name="Tensors">Names of the tensors as the file has them.</param>
/// <param name="Factors">Factors of the rotary pairs.</param>
/// <param name="HeadSize">Rows of a head.</param>
internal sealed record GgufSource(GgufKeys Keys, IReadOnlySet<string> Tensors, GgufRotaryFactors Factors, int HeadSize)
{
    /// <summary>Whether linears of the first layer have a bias.</summary>
    public bool HasBias(string module) => Tensors.Contains($"blk.0.{module}.bias");

    /// <summary>Sets the class and the type.</summary>
    public static void SetType(JsonObject config, string name, string modelType)
    {
        config["architectures"] = new JsonArray(name);
        config["model_type"] = modelType;
    }

    /// <summary>
    /// Scaling of positions by llama.cpp's defaults: linear where no type is given, its factor may stand under an older key, and without
    /// one there is none.
    /// </summary>
    /// <param name="known">Types that the family reads beside <c>none</c> and <c>linear</c>.</param>
    /// <returns>A <c>rope_scaling</c>, or null.</returns>
    /// <exception cref="InvalidDataException">The type is another one.</exception>
    public JsonObject? Scaling(params IReadOnlyList<string> known)
    {
        const string Type = "rope.scaling.type";
        var type = Keys.Value(Type) ?? "linear";
        if (type is "none")
            return null;
        if (type is "yarn" && known.Contains("yarn"))
            return Yarn();
        if (type is not "linear")
            throw Keys.NeedsConfig($"{Keys.Architecture}.{Type} is {type}");
        var key = Keys.Value("rope.scaling.factor") is null ? "rope.scale_linear" : "rope.scaling.factor";
        return Keys.Positive(key) is { } factor ? new JsonObject { ["rope_type"] = "linear", ["factor"] = factor } : null;
    }

    /// <summary>Sets a field where the metadata have it.</summary>
    public void Set(JsonObject config, string field, string key)
    {
        if (Keys.Positive(key) is { } number)
            config[field] = number;
    }

    /// <summary>Sets the window, null where there is none, and the types of the layers where the file lists them.</summary>
    public void SetWindows(JsonObject config, int layers)
    {
        config["sliding_window"] = Keys.Count("attention.sliding_window");
        if (Keys.Flags("attention.sliding_window_pattern") is not { } slides)
            return;
        if (slides.Count < layers)
            throw Keys.Fault($"{Keys.Architecture}.attention.sliding_window_pattern has {slides.Count} entries for {layers} layers.");
        config["layer_types"] = new JsonArray(
            [.. slides.Take(layers).Select(slide => (JsonNode)(slide ? "sliding_attention" : "full_attention"))]);
    }

    private JsonObject Yarn()
    {
        var scaling = new JsonObject
        {
            ["rope_type"] = "yarn",
            ["factor"] = Keys.Number("rope.scaling.factor"),
            ["original_max_position_embeddings"] = Keys.Size("rope.scaling.original_context_length"),
        };
        Set(scaling, "beta_fast", "rope.scaling.yarn_beta_fast");
        Set(scaling, "beta_slow", "rope.scaling.yarn_beta_slow");
        Set(scaling, "attention_factor", "rope.scaling.attn_factor");
        // The file has one of the two; where they differ it cannot say so.
        Set(scaling, "mscale", "rope.scaling.yarn_log_multiplier");
        Set(scaling, "mscale_all_dim", "rope.scaling.yarn_log_multiplier");
        return scaling;
    }
}
