namespace Parley.Cli.Bench;

/// <summary>What one load level gave.</summary>
/// <param name="Streams">Requests kept running at once (closed loop).</param>
/// <param name="Requests">Requests that ended well.</param>
/// <param name="Failures">Requests that did not.</param>
/// <param name="OutputTokens">Tokens received.</param>
/// <param name="Seconds">Wall time of the level.</param>
/// <param name="TokensPerSecond">OutputTokens / Seconds, prefill included.</param>
/// <param name="DecodeTokensPerSecond">Streams × tokens after the first / time between first and last, averaged: prefill excluded.</param>
/// <param name="FirstTokenP50Ms">Median time to the first token.</param>
/// <param name="FirstTokenP95Ms">95th percentile of it.</param>
/// <param name="InterTokenP50Ms">Median pause between two chunks of one stream.</param>
/// <param name="InterTokenP95Ms">95th percentile of it.</param>
/// <param name="InterTokenP99Ms">99th percentile of it.</param>
internal sealed record ServeResult(
    int Streams,
    int Requests,
    int Failures,
    long OutputTokens,
    double Seconds,
    double TokensPerSecond,
    double DecodeTokensPerSecond,
    double FirstTokenP50Ms,
    double FirstTokenP95Ms,
    double InterTokenP50Ms,
    double InterTokenP95Ms,
    double InterTokenP99Ms);
