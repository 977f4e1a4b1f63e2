using System.Numerics.Tensors;
using Parley.Generator.Sequences;

namespace Parley.Generator.Sampling;

/// <summary>
/// A temperature from the entropy of what is not ruled out: low where the model is sure, high where it is not. llama.cpp's sampler
/// <c>temp-ext</c>; in the place that temperature has in transformers, so before the filters.
/// </summary>
internal static class DynamicTemperature
{
    /// <summary>The temperature of a step.</summary>
    /// <param name="scores">Scores [vocabulary], at least one above minus infinity.</param>
    /// <param name="temperature">The middle.</param>
    /// <param name="settings">The settings.</param>
    public static float Of(ReadOnlySpan<float> scores, float temperature, DynamicTemperatureSettings settings)
    {
        var max = (double)TensorPrimitives.Max(scores);
        var (sum, weighted, count) = (0.0, 0.0, 0);
        foreach (var score in scores)
        {
            if (float.IsNegativeInfinity(score))
                continue;
            var below = score - max;
            var part = Math.Exp(below);
            sum += part;
            weighted += part * below;
            count++;
        }

        // Of one candidate no temperature makes anything else.
        if (count == 1)
            return temperature;
        var entropy = Math.Max(0, Math.Log(sum) - (weighted / sum));
        var least = Math.Max(0, (double)temperature - settings.Range);
        var most = (double)temperature + settings.Range;
        return (float)(least + ((most - least) * Math.Pow(entropy / Math.Log(count), settings.Exponent)));
    }
}
