namespace Parley.Cli.Bench.Serve;

/// <summary>What one load level gave.</summary>
internal sealed record LevelResult
{
    /// <summary>Streams kept running (closed loop); 0 in an open loop.</summary>
    public required int Streams { get; init; }

    /// <summary>Arrivals per second (open loop); 0 in a closed one.</summary>
    public double RequestsPerSecond { get; init; }

    /// <summary>Wall time of the level.</summary>
    public required double Seconds { get; init; }

    /// <summary>Requests that ended well.</summary>
    public required long Completed { get; init; }

    /// <summary>Requests that did not, refusals included.</summary>
    public required long Failed { get; init; }

    /// <summary>Those by kind.</summary>
    public required IReadOnlyDictionary<string, long> Failures { get; init; }

    public required long PromptTokens { get; init; }

    /// <summary>Prompt tokens that the server found in its cache.</summary>
    public required long CachedTokens { get; init; }

    public required long OutputTokens { get; init; }

    /// <summary>OutputTokens / Seconds: prompts, queue and the loop's ends included.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>Mean over the requests of tokens after the first / time between first and end.</summary>
    public required double TokensPerSecondPerStream { get; init; }

    /// <summary>Tokens per second of all streams together while all of them receive tokens; 0 where they never did.</summary>
    public required double SteadyTokensPerSecond { get; init; }

    /// <summary>How long they did.</summary>
    public required double SteadySeconds { get; init; }

    /// <summary>Time to the first token, from when the request was due.</summary>
    public required Percentiles FirstToken { get; init; }

    /// <summary>Pauses between two chunks of one stream.</summary>
    public required Percentiles InterToken { get; init; }

    /// <summary>Mean time of a token after the first, by request.</summary>
    public required Percentiles PerToken { get; init; }

    /// <summary>Whole requests, from when they were due.</summary>
    public required Percentiles Request { get; init; }

    /// <summary>How late requests were sent: the load generator's own fault.</summary>
    public required Percentiles SentLate { get; init; }

    /// <summary>Share of all requests, failed ones included, that kept the latency targets; null without targets.</summary>
    public required double? GoodShare { get; init; }

    /// <summary>How many of them there were per second.</summary>
    public required double? GoodRequestsPerSecond { get; init; }

    /// <summary>Processor time of this load generator per output token.</summary>
    public double ClientMicrosecondsPerToken { get; init; }

    /// <summary>Processor time of the server's processes per output token; null where they were not named.</summary>
    public double? ServerMicrosecondsPerToken { get; init; }
}
