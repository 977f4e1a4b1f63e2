using System.CommandLine;
using Parley.Cli.Bench.Serve;
using Parley.Cli.Packages;

namespace Parley.Cli.Bench.Stack;

/// <summary>The options of <c>parley bench stack</c>.</summary>
internal sealed class StackArguments
{
    private readonly Option<int[]> _streams = new("--streams")
    {
        Description = "Sequences that decode at once.",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [1, 16],
    };

    private readonly Option<string> _protocol = new("--protocol")
    {
        Description = "How the load generator speaks with the Gateway: openai or grpc.",
        DefaultValueFactory = _ => ServeArguments.Grpc,
    };

    private readonly Option<int> _words = new("--prompt-words") { Description = "Words of each prompt.", DefaultValueFactory = _ => 16 };

    private readonly Option<int> _tokens = new("--max-tokens") { Description = "Tokens of each answer.", DefaultValueFactory = _ => 128 };

    private readonly Option<int> _requests = new("--requests") { Description = "Requests of each stream.", DefaultValueFactory = _ => 1 };

    private readonly Option<double> _temperature = new("--temperature") { Description = "0, the default, is greedy." };

    private readonly Option<double?> _pacedStep = new("--paced-step-ms")
    {
        Description = "No model: steps sleep this long, and processor time is the services' own.",
    };

    private readonly Option<string[]> _heights = new("--heights")
    {
        Description = "What is measured: steps, engine, services.",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [StackRun.StepsHeight, StackRun.EngineHeight, StackRun.ServicesHeight],
    };

    private readonly Option<string[]> _settings = new("--set")
    {
        Description = "A setting of the services, e.g. Generator:StepTokensMax=256.",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    public ModelSelection Model { get; } = new();

    public Option<bool> Json { get; } = new("--json") { Description = "Print JSON with all parameters and the machine." };

    public void AddTo(Command command)
    {
        _protocol.AcceptOnlyFromAmong(ServeArguments.OpenAi, ServeArguments.Grpc);
        _heights.AcceptOnlyFromAmong(StackRun.StepsHeight, StackRun.EngineHeight, StackRun.ServicesHeight);
        foreach (var option in new Option[]
        {
            _streams, _protocol, _words, _tokens, _requests, _temperature, _pacedStep, _heights, _settings, Json,
        })
        {
            command.Options.Add(option);
        }

        Model.AddTo(command);
    }

    /// <exception cref="UserErrorException">A value is out of range.</exception>
    public StackOptions Read(ParseResult result)
    {
        var options = new StackOptions
        {
            Streams = result.GetRequiredValue(_streams),
            Protocol = result.GetRequiredValue(_protocol),
            PromptWords = result.GetValue(_words),
            AnswerTokens = result.GetValue(_tokens),
            Requests = result.GetValue(_requests),
            Temperature = result.GetValue(_temperature),
            PacedStepMs = result.GetValue(_pacedStep),
            Heights = result.GetRequiredValue(_heights),
            Settings = result.GetRequiredValue(_settings).Select(setting => setting.Split('=', 2))
                .ToDictionary(parts => parts[0], parts => parts.Length > 1 ? parts[1] : null),
        };
        if (options.Streams.Any(streams => streams < 1))
            throw new UserErrorException("--streams: every number must be at least 1.");
        if (options.AnswerTokens < 2 || options.PromptWords < 1 || options.Requests < 1)
            throw new UserErrorException("--max-tokens must be at least 2, --prompt-words and --requests at least 1.");
        return options;
    }
}
