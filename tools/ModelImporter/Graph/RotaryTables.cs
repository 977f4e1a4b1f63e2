using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// Cosines and sines of the rotary positions, as the attention node reads them: [positions, rotary pairs], the scaling baked in.
/// </summary>
internal static class RotaryTables
{
    /// <summary>
    /// The frequency of each pair of a head, in radians per position [pairs]. Where it depends on the length of a text: that of texts up
    /// to the original context.
    /// </summary>
    public static float[] InverseFrequencies(RotarySettings settings, int headSize) =>
        InverseFrequencies(settings, headSize, settings.ShortFactors);

    /// <summary>longrope: the frequency of each pair in texts beyond the original context.</summary>
    public static float[] LongFrequencies(RotarySettings settings, int headSize) =>
        InverseFrequencies(settings, headSize, settings.LongFactors);

    private static float[] InverseFrequencies(RotarySettings settings, int headSize, IReadOnlyList<float> factors)
    {
        var frequencies = new float[settings.Pairs(headSize)];
        var ramp = YarnRamp(settings, 2 * frequencies.Length);
        for (var j = 0; j < frequencies.Length; j++)
        {
            var plain = 1 / Math.Pow(settings.Theta, (double)j / frequencies.Length);
            var scaled = settings.Scaling switch
            {
                RotaryScaling.None or RotaryScaling.Dynamic => plain,
                RotaryScaling.Linear => plain / settings.Factor,
                RotaryScaling.Llama3 => Llama3(settings, plain),
                RotaryScaling.Yarn => Yarn(settings, plain, ramp, j),
                RotaryScaling.LongRope => plain / factors[j],
                _ => throw new ArgumentOutOfRangeException(nameof(settings)),
            };
            frequencies[j] = j < (settings.TurningPairs ?? frequencies.Length) ? (float)(scaled / (settings.Divisors?[j] ?? 1)) : 0;
        }

        return frequencies;
    }

    /// <summary>Computes both tables for one position. The angle is rounded to fp32 first, as the reference implementations do.</summary>
    public static void Fill(float[] frequencies, double factor, int position, Span<float> cosines, Span<float> sines)
    {
        for (var j = 0; j < frequencies.Length; j++)
        {
            var angle = position * frequencies[j];
            cosines[j] = (float)(Math.Cos(angle) * factor);
            sines[j] = (float)(Math.Sin(angle) * factor);
        }
    }

    private static double Llama3(RotarySettings settings, double frequency)
    {
        var wavelength = 2 * Math.PI / frequency;
        if (wavelength < settings.OriginalContext / settings.HighFrequencyFactor)
            return frequency;
        if (wavelength > settings.OriginalContext / settings.LowFrequencyFactor)
            return frequency / settings.Factor;
        var kept = ((settings.OriginalContext / wavelength) - settings.LowFrequencyFactor)
            / (settings.HighFrequencyFactor - settings.LowFrequencyFactor);
        return ((1 - kept) * frequency / settings.Factor) + (kept * frequency);
    }

    private static double Yarn(RotarySettings settings, double frequency, (double Low, double High) ramp, int pair)
    {
        var divided = Math.Clamp((pair - ramp.Low) / (ramp.High - ramp.Low), 0, 1);
        return (frequency / settings.Factor * divided) + (frequency * (1 - divided));
    }

    /// <summary>Between which pairs yarn goes over from kept to divided.</summary>
    private static (double Low, double High) YarnRamp(RotarySettings settings, int dimensions)
    {
        var (low, high) = (PairOf(settings.BetaFast), PairOf(settings.BetaSlow));
        if (settings.IsTruncated)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, dimensions - 1));
        return (low, low == high ? high + 0.001 : high);

        double PairOf(double turns) =>
            dimensions * Math.Log(settings.OriginalContext / (turns * 2 * Math.PI)) / (2 * Math.Log(settings.Theta));
    }
}
