using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Graph;

/// <summary>
/// Cosines and sines of the rotary positions, as the attention node reads them: [positions, head size / 2], the scaling baked in.
/// </summary>
internal static class RotaryTables
{
    /// <summary>The frequency of each pair of a head, in radians per position [head size / 2].</summary>
    public static float[] InverseFrequencies(RotarySettings settings, int headSize)
    {
        var frequencies = new float[headSize / 2];
        for (var j = 0; j < frequencies.Length; j++)
            frequencies[j] = (float)(Scale(settings, 1 / Math.Pow(settings.Theta, 2.0 * j / headSize)) / (settings.Divisors?[j] ?? 1));
        return frequencies;
    }

    /// <summary>Computes both tables for one position. The angle is rounded to fp32 first, as the reference implementations do.</summary>
    public static void Fill(float[] frequencies, int position, Span<float> cosines, Span<float> sines)
    {
        for (var j = 0; j < frequencies.Length; j++)
        {
            var angle = position * frequencies[j];
            cosines[j] = (float)Math.Cos(angle);
            sines[j] = (float)Math.Sin(angle);
        }
    }

    private static double Scale(RotarySettings settings, double frequency)
    {
        switch (settings.Scaling)
        {
            case RotaryScaling.None:
                return frequency;
            case RotaryScaling.Linear:
                return frequency / settings.Factor;
            case RotaryScaling.Llama3:
                var wavelength = 2 * Math.PI / frequency;
                if (wavelength < settings.OriginalContext / settings.HighFrequencyFactor)
                    return frequency;
                if (wavelength > settings.OriginalContext / settings.LowFrequencyFactor)
                    return frequency / settings.Factor;
                var kept = ((settings.OriginalContext / wavelength) - settings.LowFrequencyFactor)
                    / (settings.HighFrequencyFactor - settings.LowFrequencyFactor);
                return ((1 - kept) * frequency / settings.Factor) + (kept * frequency);
            default:
                throw new ArgumentOutOfRangeException(nameof(settings));
        }
    }
}
