using System.Globalization;
using Parley.Gateway.Limits;

namespace Parley.Gateway.Access;

/// <summary>
/// What a caller has left of a minute, in the headers that OpenAI's clients read; over gRPC they are metadata of the answer.
/// </summary>
internal static class RateHeaders
{
    /// <summary>All of their names.</summary>
    public static readonly string[] Names =
    [
        "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
        "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens",
    ];

    /// <summary>Says it when the answer begins, so that a prompt's tokens are counted in.</summary>
    public static void Tell(HttpResponse response, Caller caller)
    {
        if (caller.Requests is null && caller.Tokens is null)
            return;
        response.OnStarting(() =>
        {
            Add(response.Headers, 0, caller.Requests);
            Add(response.Headers, 3, caller.Tokens);
            return Task.CompletedTask;
        });
    }

    /// <summary>A time as OpenAI writes it: <c>120ms</c>, <c>7.66s</c>, <c>2m59.5s</c>; rounded up.</summary>
    public static string Text(TimeSpan time)
    {
        var milliseconds = (long)Math.Ceiling(time.TotalMilliseconds);
        if (milliseconds < 1000)
            return $"{milliseconds}ms";
        var (minutes, rest) = Math.DivRem(milliseconds, 60_000);
        var seconds = (rest / 1000.0).ToString("0.###", CultureInfo.InvariantCulture);
        return minutes > 0 ? $"{minutes}m{seconds}s" : $"{seconds}s";
    }

    private static void Add(IHeaderDictionary headers, int first, MinuteBudget? budget)
    {
        if (budget is null)
            return;
        var (remaining, reset) = budget.Look();
        headers[Names[first]] = budget.Limit.ToString(CultureInfo.InvariantCulture);
        headers[Names[first + 1]] = remaining.ToString(CultureInfo.InvariantCulture);
        headers[Names[first + 2]] = Text(reset);
    }
}
