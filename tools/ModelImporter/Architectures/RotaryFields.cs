namespace Parley.ModelImporter.Architectures;

/// <summary>
/// Reads positions from a configuration: <c>rope_scaling</c>, else <c>rope_parameters</c>, and what stands at top level, with the
/// precedence of transformers: a set <c>rope_scaling</c> wins as a whole, the base within it over <c>rope_theta</c>, but
/// <c>original_max_position_embeddings</c> at top level over the one within.
/// </summary>
internal sealed class RotaryFields(ConfigFile config, int headSize, int context)
{
    private const double ThetaMax = 1e12;
    private const double FactorMax = 1e6;
    private const string Original = "original_max_position_embeddings";
    private const string Partial = "partial_rotary_factor";

    private static readonly string[] KnownTypes = ["default", "linear", "llama3", "yarn", "longrope", "dynamic", "proportional"];

    /// <summary>Base where none is given.</summary>
    public double DefaultTheta { get; init; } = 10_000;

    /// <summary>Part of a head that turns where it is not given; null where the family turns whole heads unless they are scaled.</summary>
    public double? DefaultPartial { get; init; }

    /// <summary>Original context where it is not given; null is the model's context.</summary>
    public int? DefaultOriginal { get; init; }

    /// <summary>Kinds that the family calls by another name.</summary>
    public IReadOnlyDictionary<string, string> OtherTypes { get; init; } = new Dictionary<string, string>();

    /// <summary>Pairs are neighbours.</summary>
    public bool IsInterleaved { get; init; }

    /// <summary>Reads positions that are the same for all layers.</summary>
    /// <exception cref="InvalidDataException">A field is malformed, or the scaling has no implementation here.</exception>
    public RotarySettings Read()
    {
        config.RefuseNull("rope_theta");
        var field = config.IsSet("rope_scaling") ? "rope_scaling" : "rope_parameters";
        if (!config.IsSet(field))
            return ReadFrom(null, DefaultTheta);
        var rope = config.Object(field)!;
        return rope.IsNested ? throw config.Unsupported(field, "given by layer type", "one for all layers") : ReadFrom(rope, DefaultTheta);
    }

    /// <summary>Reads positions from an object of a configuration, whatever else that says.</summary>
    /// <exception cref="InvalidDataException">A field is malformed, or the scaling has no implementation here.</exception>
    public RotarySettings Read(ConfigFile rope) => ReadFrom(rope, DefaultTheta);

    /// <summary>
    /// Reads positions of each layer type: <c>rope_parameters</c> by type, or flat fields, of which the scaling belongs to full layers
    /// alone.
    /// </summary>
    /// <param name="localField">Field of the base of sliding layers; null where it has none.</param>
    /// <param name="localTheta">Its default.</param>
    public (RotarySettings Full, RotarySettings Sliding) ReadByType(string? localField, double localTheta)
    {
        config.RefuseNull("rope_theta");
        var byType = config.IsSet("rope_parameters") ? config.Object("rope_parameters") : null;
        if (byType is not null && !byType.IsNested)
            throw config.Unsupported("rope_parameters", "one for all layers", "one by layer type, or rope_scaling");
        var scaling = config.IsSet("rope_scaling") ? config.Object("rope_scaling") : null;
        if (scaling is { IsNested: true })
            throw config.Unsupported("rope_scaling", "given by layer type", "rope_parameters by layer type");
        if (scaling is not null && byType?.Object("full_attention") is not null)
            throw config.Unsupported("rope_scaling", "set beside rope_parameters", "one of them");
        var full = ReadFrom(scaling ?? byType?.Object("full_attention"), DefaultTheta);
        var local = localField is null ? localTheta : config.Positive(localField, ThetaMax, localTheta);
        return (full, ReadFrom(byType?.Object("sliding_attention"), local, isLocal: true));
    }

    private RotarySettings ReadFrom(ConfigFile? rope, double theta, bool isLocal = false)
    {
        theta = isLocal ? theta : config.Positive("rope_theta", ThetaMax, theta);
        if (rope is null)
            return Plain(theta, config);
        rope.RefuseNull("rope_theta", "rope_type", Original);
        theta = rope.Positive("rope_theta", ThetaMax, theta);
        var name = rope.Has("rope_type") ? "rope_type" : "type";
        rope.RefuseNull(name);
        var type = rope.Text(name, "default");
        type = OtherTypes.GetValueOrDefault(type, type);
        if (!KnownTypes.Contains(type))
            throw rope.Unsupported(name, $"\"{type}\"", string.Join(", ", KnownTypes));
        var source = rope.Names(Partial) ? rope : config;
        if (type == "default")
            return Plain(theta, source);
        if (type == "proportional")
            return ReadProportional(rope, theta);
        var plain = Settings(theta, Dimensions(source, DefaultPartial ?? 1));
        return type switch
        {
            "linear" => plain with { Scaling = RotaryScaling.Linear, Factor = rope.Positive("factor", FactorMax) },
            "llama3" => ReadLlama3(rope, plain),
            "yarn" => ReadYarn(rope, plain),
            "longrope" => ReadLongRope(rope, plain),
            _ => ReadDynamic(rope, plain),
        };
    }

    /// <summary>Most families turn the whole head whatever the field says, as long as nothing is scaled.</summary>
    private RotarySettings Plain(double theta, ConfigFile source) =>
        Settings(theta, DefaultPartial is { } partial ? Dimensions(source, partial) : null);

    private RotarySettings Settings(double theta, int? dimensions) =>
        new(theta, RotaryScaling.None) { Dimensions = dimensions, IsInterleaved = IsInterleaved };

    private int? Dimensions(ConfigFile source, double fallback)
    {
        var part = source.Positive(Partial, FactorMax, fallback);
        if (DefaultPartial is null && part != 1)
            throw source.Unsupported(Partial, "not 1", "1");
        var dimensions = part > 1 ? 0 : (int)(headSize * part);
        if (dimensions % 2 != 0 || dimensions == 0)
            throw source.Unsupported(Partial, $"a part of {dimensions} of {headSize} dimensions", "an even number of them, at least 2");
        return dimensions == headSize ? null : dimensions;
    }

    /// <summary>Exponents go over the whole head; the first part of its pairs turns.</summary>
    private RotarySettings ReadProportional(ConfigFile rope, double theta)
    {
        rope.RefuseNull(Partial, "factor");
        var part = rope.Positive(Partial, 1, 1);
        return Settings(theta, null) with
        {
            Scaling = rope.Positive("factor", FactorMax, 1) == 1 ? RotaryScaling.None : RotaryScaling.Linear,
            Factor = rope.Positive("factor", FactorMax, 1),
            TurningPairs = (int)Math.Floor(part * headSize / 2),
        };
    }

    private int OriginalContext(ConfigFile rope)
    {
        config.RefuseNull(Original);
        return config.Has(Original) ? config.Int(Original, 1, int.MaxValue)
            : DefaultOriginal ?? (rope.Has(Original) ? rope.Int(Original, 1, int.MaxValue) : context);
    }

    private RotarySettings ReadLlama3(ConfigFile rope, RotarySettings plain)
    {
        var settings = plain with
        {
            Scaling = RotaryScaling.Llama3,
            Factor = rope.Positive("factor", FactorMax),
            LowFrequencyFactor = rope.Positive("low_freq_factor", FactorMax),
            HighFrequencyFactor = rope.Positive("high_freq_factor", FactorMax),
            OriginalContext = OriginalContext(rope),
        };
        return settings.HighFrequencyFactor > settings.LowFrequencyFactor ? settings
            : throw rope.Unsupported("high_freq_factor", $"{settings.HighFrequencyFactor}",
                $"above low_freq_factor ({settings.LowFrequencyFactor})");
    }

    private RotarySettings ReadYarn(ConfigFile rope, RotarySettings plain)
    {
        var original = OriginalContext(rope);
        var factor = rope.Positive("factor", FactorMax, (double)context / original);
        var (mscale, mscaleAll) = (rope.Number("mscale", 0), rope.Number("mscale_all_dim", 0));
        var inferred = mscale != 0 && mscaleAll != 0 ? Magnitude(factor, mscale) / Magnitude(factor, mscaleAll) : Magnitude(factor, 1);
        var (fast, slow) = (rope.Number("beta_fast", 0), rope.Number("beta_slow", 0));
        return plain with
        {
            Scaling = RotaryScaling.Yarn,
            Factor = factor,
            OriginalContext = original,
            AttentionFactor = rope.Positive("attention_factor", FactorMax, inferred),
            BetaFast = fast == 0 ? 32 : fast,
            BetaSlow = slow == 0 ? 1 : slow,
            IsTruncated = rope.Bool("truncate", true),
        };
    }

    private static double Magnitude(double factor, double weight) => factor <= 1 ? 1 : (0.1 * weight * Math.Log(factor)) + 1;

    private RotarySettings ReadLongRope(ConfigFile rope, RotarySettings plain)
    {
        var original = OriginalContext(rope);
        var factor = rope.Positive("factor", FactorMax, (double)context / original);
        var settings = plain with
        {
            Scaling = RotaryScaling.LongRope,
            Factor = factor,
            OriginalContext = original,
            AttentionFactor = rope.Positive(
                "attention_factor", FactorMax, factor <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(factor) / Math.Log(original)))),
            ShortFactors = rope.PositiveNumbers("short_factor"),
            LongFactors = rope.PositiveNumbers("long_factor"),
        };
        var pairs = settings.Pairs(headSize);
        foreach (var (name, factors) in new[] { ("short_factor", settings.ShortFactors), ("long_factor", settings.LongFactors) })
        {
            if (factors.Count != pairs)
                throw rope.Unsupported(name, $"a list of {factors.Count}", $"one for each of the {pairs} rotary pairs of a head");
        }

        return settings;
    }

    private RotarySettings ReadDynamic(ConfigFile rope, RotarySettings plain)
    {
        if (plain.Pairs(headSize) < 2)
            throw config.Unsupported(Partial, "2 dimensions", "at least 4 where positions are scaled dynamically");
        return plain with
        {
            Scaling = RotaryScaling.Dynamic,
            Factor = rope.Positive("factor", FactorMax),
            OriginalContext = context,
        };
    }
}
