namespace Parley.ModelImporter.Architectures;

/// <summary>How a model turns positions into rotations of its heads.</summary>
/// <param name="Theta">Base of the frequencies.</param>
/// <param name="Scaling">How they are stretched to a longer context.</param>
/// <param name="Factor">By how much; 1 without scaling.</param>
/// <param name="LowFrequencyFactor">Llama 3: wavelengths above OriginalContext / this are divided by the factor.</param>
/// <param name="HighFrequencyFactor">Llama 3: wavelengths below OriginalContext / this are kept.</param>
/// <param name="OriginalContext">Positions of the training before the stretch; the border of longrope and dynamic.</param>
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

    /// <summary>Leading dimensions of a head that turn, an even number; null is all of them.</summary>
    public int? Dimensions { get; init; }

    /// <summary>proportional: pairs that turn, the others stay; null is all of <see cref="Pairs"/>.</summary>
    public int? TurningPairs { get; init; }

    /// <summary>Pairs are neighbours, not half a head apart.</summary>
    public bool IsInterleaved { get; init; }

    /// <summary>Factor on cosines and sines.</summary>
    public double AttentionFactor { get; init; } = 1;

    /// <summary>yarn: pairs that turn more often than this over the original context are kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>yarn: pairs that turn less often than this over the original context are divided by the factor.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>yarn: the ramp begins and ends at whole pairs.</summary>
    public bool IsTruncated { get; init; } = true;

    /// <summary>longrope: factors of texts up to the original context [pairs].</summary>
    public IReadOnlyList<float> ShortFactors { get; init; } = [];

    /// <summary>longrope: factors of longer ones [pairs].</summary>
    public IReadOnlyList<float> LongFactors { get; init; } = [];

    /// <summary>The rotation of a token depends on how long its whole text is, once that is beyond the original context.</summary>
    public bool DependsOnLength => Scaling is RotaryScaling.LongRope or RotaryScaling.Dynamic;

    /// <summary>Pairs of a head that turn.</summary>
    /// <param name="headSize">Width of a head.</param>
    public int Pairs(int headSize) => (Dimensions ?? headSize) / 2;

    /// <summary>Reads them where a family has no defaults of its own.</summary>
    /// <exception cref="InvalidDataException">A field is malformed, or the scaling has no implementation here.</exception>
    public static RotarySettings Read(ConfigFile config, int headSize, int context) =>
        new RotaryFields(config, headSize, context).Read();
}
