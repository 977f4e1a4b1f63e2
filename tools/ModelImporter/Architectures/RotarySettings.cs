namespace Parley.ModelImporter.Architectures;

/// <summary>How a model turns positions into rotations of its heads.</summary>
/// <param name="Theta">Base of the frequencies.</param>
/// <param name="Scaling">How they are stretched to a longer context.</param>
/// <param name="Factor">By how much; 1 without scaling.</param>
/// <param name="LowFrequencyFactor">Llama 3: wavelengths above OriginalContext / this are divided by the factor.</param>
/// <param name="HighFrequencyFactor">Llama 3: wavelengths below OriginalContext / this are kept.</param>
/// <param name="OriginalContext">Llama 3: positions of the training before the stretch.</param>
internal sealed record RotarySettings(
    double Theta,
    RotaryScaling Scaling,
    double Factor = 1,
    double LowFrequencyFactor = 1,
    double HighFrequencyFactor = 4,
    int OriginalContext = 8192)
{
    private static readonly string[] KnownTypes = ["default", "linear", "llama3"];

    /// <summary>Reads <c>rope_parameters</c> (transformers 5) or <c>rope_theta</c> and <c>rope_scaling</c> (before).</summary>
    /// <exception cref="InvalidDataException">A field is malformed, or the scaling has no implementation here.</exception>
    public static RotarySettings Read(ConfigFile config)
    {
        var field = config.Has("rope_parameters") ? "rope_parameters" : "rope_scaling";
        var rope = config.Object(field);
        var theta = config.Positive("rope_theta", 1e12, 10_000);
        if (rope is null)
            return new RotarySettings(theta, RotaryScaling.None);
        theta = rope.Positive("rope_theta", 1e12, theta);
        var type = rope.Text("rope_type", rope.Text("type", "default"));
        if (!KnownTypes.Contains(type))
            throw rope.Unsupported("rope_type", $"\"{type}\"", string.Join(", ", KnownTypes));
        if (type == "default")
            return new RotarySettings(theta, RotaryScaling.None);
        var factor = rope.Positive("factor", 1e6);
        if (type == "linear")
            return new RotarySettings(theta, RotaryScaling.Linear, factor);
        var settings = new RotarySettings(
            theta,
            RotaryScaling.Llama3,
            factor,
            rope.Positive("low_freq_factor", 1e6),
            rope.Positive("high_freq_factor", 1e6),
            rope.Int("original_max_position_embeddings", 1, int.MaxValue));
        if (settings.HighFrequencyFactor <= settings.LowFrequencyFactor)
            throw rope.Unsupported("high_freq_factor", $"{settings.HighFrequencyFactor}",
                $"above low_freq_factor ({settings.LowFrequencyFactor})");
        return settings;
    }
}
