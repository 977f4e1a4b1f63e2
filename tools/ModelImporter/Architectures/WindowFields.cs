namespace Parley.ModelImporter.Architectures;

/// <summary>Which layers attend to how much: <c>layer_types</c>, or a family's pattern, and <c>sliding_window</c>.</summary>
internal static class WindowFields
{
    public const string Full = "full_attention";

    public const string Sliding = "sliding_attention";

    /// <summary>As older checkpoints have it.</summary>
    public const string OldFull = "attention";

    /// <summary>Reads which layers slide.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="layers">Number of layers.</param>
    /// <param name="slides">Whether a layer does where <c>layer_types</c> is missing.</param>
    /// <exception cref="InvalidDataException">A type is unknown, or there are more or fewer than layers.</exception>
    public static IReadOnlyList<bool> ReadTypes(ConfigFile config, int layers, Func<int, bool> slides)
    {
        if (!config.Has("layer_types"))
            return [.. Enumerable.Range(0, layers).Select(slides)];
        var types = config.Texts("layer_types");
        if (types.FirstOrDefault(type => type is not (Full or OldFull or Sliding)) is { } other)
            throw config.Unsupported("layer_types", $"a list with \"{other}\"", $"{Full}, {Sliding}");
        return types.Count == layers
            ? [.. types.Select(type => type == Sliding)]
            : throw config.Unsupported("layer_types", $"a list of {types.Count}", $"one for each of the {layers} layers");
    }

    /// <summary>Refuses layers that slide by themselves, where a window is that of all: the model reads no types, its cache does.</summary>
    /// <exception cref="InvalidDataException">There are some.</exception>
    public static void RefuseTypes(ConfigFile config, int layers)
    {
        config.Watch("layer_types");
        if (ReadTypes(config, layers, _ => false).Contains(true))
            throw config.Unsupported("layer_types", $"a list with \"{Sliding}\"", $"{Full}, or another model_type");
    }

    /// <summary>Reads the window of the layers that slide.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="fallback">Positions where the field is missing; null for none.</param>
    /// <returns>Positions that a token attends to, itself included; 0 where the field is null.</returns>
    /// <exception cref="InvalidDataException">It is no positive number.</exception>
    public static int ReadWindow(ConfigFile config, int? fallback) =>
        config.Names("sliding_window") && !config.Has("sliding_window") ? 0
        : config.Has("sliding_window") ? config.Int("sliding_window", 1, int.MaxValue)
        : fallback ?? 0;

    /// <summary>The window of each layer: that of those that slide.</summary>
    /// <exception cref="InvalidDataException">One slides, but there is no window.</exception>
    public static IReadOnlyList<int> Of(ConfigFile config, IReadOnlyList<bool> slides, int window) => window > 0 || !slides.Contains(true)
        ? [.. slides.Select(slide => slide ? window : 0)]
        : throw config.Unsupported("sliding_window", "not set", "a number of positions, since layers slide");
}
