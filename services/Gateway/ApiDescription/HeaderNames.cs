using Parley.Gateway.Access;
using Parley.Gateway.Anthropic;
using Parley.Gateway.OpenAi;
using Parley.Gateway.ResponsesApi;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.ApiDescription;

/// <summary>The headers of answers, and what they say.</summary>
internal static class HeaderNames
{
    public const string RequestId = RequestMetadata.RequestIdHeader;
    public const string Ignored = IgnoredFields.Header;
    public const string Unasserted = UnassertedFormats.Header;
    public const string Dropped = ResponseRequests.DroppedHeader;
    public const string RetryAfter = "Retry-After";
    public const string Challenge = "WWW-Authenticate";
    public const string AnthropicRequestId = AnthropicErrors.RequestIdHeader;

    public static string[] OfAnthropic =>
    [
        AnthropicRequestId, "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset", "anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ];

    /// <summary>Each with what it says.</summary>
    public static IEnumerable<(string Name, string Text)> All =>
    [
        (RequestId, "Id of the request: that of the request's own header, or one that is made."),
        (Ignored, "Fields of the request that were read over."),
        (Unasserted, "Formats of a JSON schema that nobody defines: they assert nothing."),
        (Dropped, "Messages that were left away because the prompt did not fit."),
        (RetryAfter, "Seconds after which to try again."),
        (Challenge, "`Bearer`, and what is wrong with a token."),
        .. RateHeaders.Names.Select(name => (name, TextOf(name))),
        (AnthropicRequestId, "Id of the request, as Anthropic names it."),
        .. OfAnthropic.Skip(1).Select(name => (name, TextOf(name))),
    ];

    private static string TextOf(string name)
    {
        var what = name.Contains("requests", StringComparison.Ordinal) ? "requests" : "tokens";
        return name.Contains("remaining", StringComparison.Ordinal)
            ? $"What is left of a minute's {what}, where the caller has such a limit."
            : name.Contains("reset", StringComparison.Ordinal) ? $"When all of a minute's {what} are there again."
            : $"A minute's {what}.";
    }
}
