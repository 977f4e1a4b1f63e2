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
    /// <summary>By what the frequency of each pair of a head is divided beside that; null for nothing. A GGUF file brings such.</summary>
    public IReadOnlyList<float>? Divisors { get; init; }

    private const double ThetaMax = 1e12;
    private const double FactorMax = 1e6;
    private const double DefaultTheta = 10_000;

    private static readonly string[] KnownTypes = ["default", "linear", "llama3"];

    /// <summary>
    /// Reads <c>rope_scaling</c>, else <c>rope_parameters</c>, and what stands at top level, with the precedence of transformers: a set
    /// <c>rope_scaling</c> wins as a whole, the base within it over <c>rope_theta</c>, but <c>original_max_position_embeddings</c> at top
    /// level over the one within.
    /// </summary>
    /// <exception cref="InvalidDataException">A field is malformed, or the scaling has no implementation here.</exception>
    public static RotarySettings Read(ConfigFile config)
    {
        config.RefuseNull("rope_theta");
        var theta = config.Positive("rope_theta", ThetaMax, DefaultTheta);
        var field = config.IsSet("rope_scaling") ? "rope_scaling" : "rope_parameters";
        if (!config.IsSet(field))
            return new RotarySettings(theta, RotaryScaling.None);
        var rope = config.Object(field)!;
        if (rope.IsNested)
            throw config.Unsupported(field, "given by layer type", "one for all layers");
        rope.RefuseNull("rope_theta", "rope_type", "original_max_position_embeddings");
        theta = rope.Positive("rope_theta", ThetaMax, theta);
        var name = rope.Has("rope_type") ? "rope_type" : "type";
        rope.RefuseNull(name);
        var type = rope.Text(name, "default");
        if (!KnownTypes.Contains(type))
            throw rope.Unsupported(name, $"\"{type}\"", string.Join(", ", KnownTypes));
        // The default of LlamaForCausalLM turns the whole head whatever partial_rotary_factor says; the others would turn a part of it.
        if (type == "default")
            return new RotarySettings(theta, RotaryScaling.None);
        var partial = rope.Names("partial_rotary_factor") ? rope : config;
        if (partial.Positive("partial_rotary_factor", FactorMax, 1) != 1)
            throw partial.Unsupported("partial_rotary_factor", "not 1", "1");
        var factor = rope.Positive("factor", FactorMax);
        return type == "linear"
            ? new RotarySettings(theta, RotaryScaling.Linear, factor)
            : ReadLlama3(config, rope, theta, factor);
    }

    private static RotarySettings ReadLlama3(ConfigFile config, ConfigFile rope, double theta, double factor)
    {
        const string Original = "original_max_position_embeddings";
        config.RefuseNull(Original);
        var settings = new RotarySettings(
            theta,
            RotaryScaling.Llama3,
            factor,
            rope.Positive("low_freq_factor", FactorMax),
            rope.Positive("high_freq_factor", FactorMax),
            config.Has(Original) ? config.Int(Original, 1, int.MaxValue)
                : rope.Has(Original) ? rope.Int(Original, 1, int.MaxValue)
                : config.Int("max_position_embeddings", 1, int.MaxValue, LlamaArchitecture.DefaultContext));
        if (settings.HighFrequencyFactor <= settings.LowFrequencyFactor)
            throw rope.Unsupported("high_freq_factor", $"{settings.HighFrequencyFactor}",
                $"above low_freq_factor ({settings.LowFrequencyFactor})");
        return settings;
    }
}
