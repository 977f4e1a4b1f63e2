namespace Parley.Cli.Bench.Serve;

/// <summary>Everything that a load follows from, as it goes into the results; the key of the server is left out.</summary>
internal sealed record ServeOptions
{
    /// <summary><c>openai</c> or <c>grpc</c>.</summary>
    public required string Protocol { get; init; }

    public required string Url { get; init; }

    public required ChatRequestSettings Request { get; init; }

    /// <summary>Levels of a closed loop: streams that each send one request after the other.</summary>
    public required IReadOnlyList<int> Streams { get; init; }

    /// <summary>Requests of each stream.</summary>
    public required int RequestsPerStream { get; init; }

    /// <summary>Levels of an open loop: arrivals per second; none runs the closed loop.</summary>
    public required IReadOnlyList<double> RequestsPerSecond { get; init; }

    /// <summary>How long requests arrive in an open loop.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>Requests in flight at most in an open loop.</summary>
    public required int OutstandingMax { get; init; }

    /// <summary>Length of the prompts; in words unless the tokens are given.</summary>
    public required int PromptWords { get; init; }

    /// <summary>Length of the prompts with their template, met by two trial requests; 0 goes by words.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>Leading part that all prompts share, in the same unit.</summary>
    public required int SharedPrefix { get; init; }

    /// <summary>Prompts of a file, one a line; null makes them up.</summary>
    public required string? PromptFile { get; init; }

    public required int AnswerTokensMax { get; init; }

    public required int WarmUpRequests { get; init; }

    /// <summary>A request that takes longer has failed.</summary>
    public required double TimeoutSeconds { get; init; }

    public required LatencyTargets Targets { get; init; }

    public required int Seed { get; init; }

    /// <summary>Processes of the server on this machine, whose processor time is told.</summary>
    public required IReadOnlyList<int> ServerProcessIds { get; init; }
}
