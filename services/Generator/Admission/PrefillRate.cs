namespace Parley.Generator.Admission;

/// <summary>
/// How fast the prompts of the queue are worked off, measured over the last steps that had any: tokens read or found in the cache, per
/// second of such steps, whatever else was in them. Written by the engine's thread, read by all.
/// </summary>
internal sealed class PrefillRate
{
    /// <summary>Fewer tokens than this say nothing: first steps are slow.</summary>
    private const double TokensMin = 256;

    /// <summary>Weight of what was before each step; half of it is gone after some 14 steps.</summary>
    private const double Decay = 0.95;

    /// <summary>The forecast may be wrong by this factor before it refuses one that would have been in time.</summary>
    private const double Margin = 2;

    private double _tokens;
    private double _seconds;
    private double _tokensPerSecond;

    /// <summary>0 while unknown.</summary>
    public double TokensPerSecond => Volatile.Read(ref _tokensPerSecond);

    /// <summary>Counts a step.</summary>
    /// <param name="promptTokens">Prompt tokens that it read and that the cache spared it; none is no step for this figure.</param>
    /// <param name="elapsed">How long it took.</param>
    public void Observe(long promptTokens, TimeSpan elapsed)
    {
        if (promptTokens <= 0)
            return;
        _tokens = (_tokens * Decay) + promptTokens;
        _seconds = (_seconds * Decay) + elapsed.TotalSeconds;
        Volatile.Write(ref _tokensPerSecond, _tokens >= TokensMin && _seconds > 0 ? _tokens / _seconds : 0);
    }

    /// <summary>Time that a queue of this many prompt tokens takes at the very least; zero while the rate is unknown.</summary>
    public static TimeSpan LeastWait(long queuedPromptTokens, double tokensPerSecond) => tokensPerSecond > 0
        ? TimeSpan.FromSeconds(Math.Min(queuedPromptTokens / tokensPerSecond / Margin, TimeSpan.MaxValue.TotalSeconds / 2))
        : TimeSpan.Zero;
}
