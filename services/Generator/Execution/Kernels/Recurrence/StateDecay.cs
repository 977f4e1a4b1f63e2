namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>By how much a row lets a head forget.</summary>
internal static class StateDecay
{
    /// <summary>From here on the softplus of a number is the number itself.</summary>
    private const double SoftPlusMax = 20;

    /// <summary>The softplus of a row's number and the head's bias.</summary>
    public static float Time(float value, float bias)
    {
        // Their sum in single precision first, as the reference has it.
        double x = value + bias;
        return (float)(x > SoftPlusMax ? x : Math.Log(1 + Math.Exp(x)));
    }

    /// <summary>e to the power of rate · time.</summary>
    public static float Of(float rate, float time) => (float)Math.Exp((double)rate * time);
}
