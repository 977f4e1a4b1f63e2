using System.Security.Cryptography;

namespace Parley.Client.Calls;

/// <summary>When a request is tried again; half of each pause is left to chance, so that many clients do not come back at once.</summary>
internal sealed class RetrySchedule(ParleyRetryOptions options, Func<double> chance)
{
    private const int Grain = 1 << 20;

    public RetrySchedule(ParleyRetryOptions options)
        : this(options, () => RandomNumberGenerator.GetInt32(Grain) / (double)Grain)
    {
    }

    public int AttemptsMax => options.AttemptsMax;

    /// <summary>The pause after a fault; null where it is the last word.</summary>
    /// <param name="fault">What ended the try.</param>
    /// <param name="attempt">The try's number; the first is 1.</param>
    /// <param name="left">Time that is left for the answer, or infinite.</param>
    public TimeSpan? DelayAfter(ParleyException fault, int attempt, TimeSpan left)
    {
        if (!fault.IsRetryable || attempt >= options.AttemptsMax || fault.RetryAfter > options.DelayMax)
            return null;
        var full = Math.Min(options.InitialDelay.TotalMilliseconds * Math.Pow(2, attempt - 1), options.DelayMax.TotalMilliseconds);
        var delay = TimeSpan.FromMilliseconds(full * (1 + chance()) / 2);
        if (fault.RetryAfter > delay)
            delay = fault.RetryAfter.Value;
        return left == Timeout.InfiniteTimeSpan || delay < left ? delay : null;
    }
}
