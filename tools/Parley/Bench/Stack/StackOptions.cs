namespace Parley.Cli.Bench.Stack;

/// <summary>What is measured at each of the three heights.</summary>
internal sealed record StackOptions
{
    public required IReadOnlyList<int> Streams { get; init; }

    /// <summary><c>openai</c> or <c>grpc</c>: how the load generator speaks with the Gateway.</summary>
    public required string Protocol { get; init; }

    public required int PromptWords { get; init; }

    public required int AnswerTokens { get; init; }

    /// <summary>Requests of each stream.</summary>
    public required int Requests { get; init; }

    public required double Temperature { get; init; }

    /// <summary>Milliseconds of a step that no model runs; null runs the model.</summary>
    public required double? PacedStepMs { get; init; }

    /// <summary>Of <c>steps</c>, <c>engine</c>, <c>services</c>, those that are measured.</summary>
    public required IReadOnlyList<string> Heights { get; init; }

    /// <summary>Settings of the services, e.g. <c>Generator:DraftTokensMax=0</c>.</summary>
    public required IReadOnlyDictionary<string, string?> Settings { get; init; }
}
