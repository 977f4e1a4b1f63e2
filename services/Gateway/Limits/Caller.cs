using System.Threading.RateLimiting;

namespace Parley.Gateway.Limits;

/// <summary>Who calls, and what is left of what that one may use. One object per caller while its limits stay the same.</summary>
internal sealed class Caller
{
    /// <param name="name">Name of the key, or <c>oidc:</c> and the subject.</param>
    /// <param name="label">The same in metrics, or <c>other</c>.</param>
    /// <param name="limits">What it may use.</param>
    /// <param name="time">The clock.</param>
    public Caller(string name, string label, LimitOptions limits, TimeProvider time)
    {
        (Name, Label, Limits) = (name, label, limits);
        Requests = limits.RequestsPerMinute > 0 ? new MinuteBudget(limits.RequestsPerMinute, time) : null;
        Tokens = limits.TokensPerMinute > 0 ? new MinuteBudget(limits.TokensPerMinute, time) : null;
        Models = (limits.Models ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Choices = limits.ConcurrentChoicesMax > 0
            ? new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = limits.ConcurrentChoicesMax, QueueLimit = 0 })
            : null;
    }

    public string Name { get; }

    public string Label { get; }

    public LimitOptions Limits { get; }

    /// <summary>Requests a minute; null is no limit.</summary>
    public MinuteBudget? Requests { get; }

    /// <summary>Tokens a minute; null is no limit.</summary>
    public MinuteBudget? Tokens { get; }

    /// <summary>Answers in flight; null is no limit. It holds no timer and no handle, so a caller is simply forgotten.</summary>
    public ConcurrencyLimiter? Choices { get; }

    /// <summary>Served names that it may ask for; empty is all.</summary>
    public IReadOnlyList<string> Models { get; }

    /// <summary>Whether it may ask for a name; where none is given, for any of those that are served.</summary>
    public bool MayAsk(string model, IReadOnlyList<string> servedNames) => Models.Count == 0 || (model.Length > 0
        ? Models.Contains(model, StringComparer.Ordinal)
        : servedNames.Any(name => Models.Contains(name, StringComparer.Ordinal)));

    /// <summary>Those of the served names that it may ask for.</summary>
    public IReadOnlyList<string> NamesOf(IReadOnlyList<string> servedNames) => [.. servedNames.Where(name => MayAsk(name, servedNames))];

    /// <summary>Refuses a name that it may not ask for.</summary>
    /// <exception cref="Chat.ChatException">It may not.</exception>
    public void Require(string model, IReadOnlyList<string> servedNames)
    {
        if (!MayAsk(model, servedNames))
            throw Allowance.Denied(model.Length > 0 ? model : servedNames[0]);
    }

    /// <summary>Whether a new object of the same limits would be no different.</summary>
    public bool IsWhole =>
        (Requests is null || Requests.Look().Reset == TimeSpan.Zero) && (Tokens is null || Tokens.Look().Reset == TimeSpan.Zero)
        && (Choices is null || Choices.GetStatistics()!.CurrentAvailablePermits == Limits.ConcurrentChoicesMax);

    /// <summary>The first budget that lets no further request in, and after which time it would; null where there is none.</summary>
    public (string What, int PerMinute, TimeSpan Wait)? TakeRequest()
    {
        // An overdrawn budget of tokens is asked first: a request that is refused for it costs none of the other.
        if (Tokens is not null && Tokens.WaitFor(1) is var wait && wait > TimeSpan.Zero)
            return ("tokens", Tokens.Limit, wait);
        return Requests is not null && !Requests.TryTake(1, out var untilNext) ? ("requests", Requests.Limit, untilNext) : null;
    }
}
