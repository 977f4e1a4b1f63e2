using System.Globalization;
using Parley.Gateway.Limits;

namespace Parley.Gateway.Anthropic;

/// <summary>What a caller has left of a minute, in the headers that Anthropic's clients read.</summary>
internal static class RemainingHeaders
{
    private const string Prefix = "anthropic-ratelimit-";

    /// <summary>Says it when the answer begins, so that a prompt's tokens are counted in.</summary>
    public static void Tell(HttpResponse response, Caller caller, TimeProvider time) => response.OnStarting(() =>
    {
        Add(response.Headers, "requests", caller.Requests, time);
        Add(response.Headers, "tokens", caller.Tokens, time);
        return Task.CompletedTask;
    });

    private static void Add(IHeaderDictionary headers, string what, MinuteBudget? budget, TimeProvider time)
    {
        if (budget is null)
            return;
        var (remaining, reset) = budget.Look();
        headers[$"{Prefix}{what}-limit"] = budget.Limit.ToString(CultureInfo.InvariantCulture);
        headers[$"{Prefix}{what}-remaining"] = remaining.ToString(CultureInfo.InvariantCulture);
        headers[$"{Prefix}{what}-reset"] = (time.GetUtcNow() + reset).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
    }
}
