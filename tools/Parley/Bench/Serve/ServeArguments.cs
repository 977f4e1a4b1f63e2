using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Parley.Cli.Hosting;

namespace Parley.Cli.Bench.Serve;

/// <summary>The options of <c>parley bench serve</c>.</summary>
internal sealed class ServeArguments
{
    public const string OpenAi = "openai";
    public const string Grpc = "grpc";
    private const string KeyVariable = "PARLEY_BENCH_API_KEY";

    private readonly Option<Uri?> _url = AddressOption.Create(
        "--url", $"Base URL of the server; without it http://127.0.0.1:{UpCommand.DefaultHttpPort}, by gRPC :{UpCommand.DefaultGrpcPort}.");

    private readonly Option<string> _protocol = new("--protocol")
    {
        Description = "openai (HTTP, server-sent events; any such server) or grpc (Parley's Gateway).",
        DefaultValueFactory = _ => OpenAi,
    };

    private readonly Option<string> _model = new("--served-model")
    {
        Description = "Served name; the server's first without it.",
        DefaultValueFactory = _ => "",
    };

    private readonly ApiKeyOption _apiKey = new("Bearer token", KeyVariable);

    private readonly Option<int[]> _streams = List("--streams", "Closed loop: load levels, each this many streams.", 1, 8);

    private readonly Option<int> _requests = Number("--requests", "Closed loop: requests of each stream.", 2, 1);

    private readonly Option<double[]> _rates = new("--rate")
    {
        Description = "Open loop instead: load levels, each this many arrivals per second (Poisson).",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    private readonly Option<double> _duration = Seconds("--duration", "Open loop: seconds in which requests arrive.", 30);

    private readonly Option<int> _outstanding = Number(
        "--outstanding", "Open loop: requests in flight at most; others count as failed.", 1024, 1);

    private readonly Option<int> _words = Number("--prompt-words", "Words of each prompt.", 64, 1);

    private readonly Option<int> _promptTokens = Number(
        "--prompt-tokens", "Tokens of each prompt with its template instead, met by two trial requests.", 0, 0);

    private readonly Option<int> _shared = Number(
        "--shared-prefix", "Leading words (or tokens, those of the template counted in) that all prompts share.", 0, 0);

    private readonly Option<string?> _file = new("--prompt-file") { Description = "Prompts instead, one a line, taken in turn." };

    private readonly Option<int> _maxTokens = Number("--max-tokens", "Tokens of each answer.", 64, 1);

    private readonly Option<double?> _temperature = new("--temperature")
    {
        Description = "0 is greedy; 'server' leaves it to the server.",
        DefaultValueFactory = _ => 0,
        CustomParser = ReadTemperature,
    };

    private readonly Option<bool> _ignoreEos = new("--ignore-eos")
    {
        Description = "Ask for answers of full length; servers that refuse the field need '--ignore-eos false'.",
        DefaultValueFactory = _ => true,
    };

    private readonly Option<int?> _draftTokens = new("--draft-tokens")
    {
        Description = "Tokens to guess per step (draft_tokens); left to the server without it.",
    };

    private readonly Option<int> _warmUp = Number("--warm-up", "Requests before the first level.", 1, 0);

    private readonly Option<double> _timeout = Seconds("--timeout", "Seconds after which a request has failed.", 600);

    private readonly Option<double?> _firstTokenTarget = new("--ttft-target")
    {
        Description = "Milliseconds to the first token of a good request.",
    };

    private readonly Option<double?> _interTokenTarget = new("--inter-token-target")
    {
        Description = "Milliseconds per token after the first, mean of a good request.",
    };

    private readonly Option<int> _seed = Number("--seed", "The same seed gives the same prompts and arrivals.", 1, int.MinValue);

    private readonly Option<int[]> _serverProcesses = List(
        "--server-pid", "The server's processes on this machine: their time per token is told.");

    public Option<bool> Json { get; } = new("--json") { Description = "Print JSON with all parameters and the machine." };

    public void AddTo(Command command)
    {
        _protocol.AcceptOnlyFromAmong(OpenAi, Grpc);
        foreach (var option in new Option[]
        {
            _url, _protocol, _model, _apiKey.Option, _streams, _requests, _rates, _duration, _outstanding, _words, _promptTokens, _shared,
            _file, _maxTokens, _temperature, _ignoreEos, _draftTokens, _warmUp, _timeout, _firstTokenTarget, _interTokenTarget, _seed,
            _serverProcesses, Json,
        })
        {
            command.Options.Add(option);
        }
    }

    public string? Key(ParseResult result) => _apiKey.Read(
        result, isOurs: result.GetRequiredValue(_protocol) == Grpc || result.GetValue(_url) is null or { IsLoopback: true });

    /// <exception cref="UserErrorException">Two options contradict each other, or one is out of range.</exception>
    public ServeOptions Read(ParseResult result)
    {
        var protocol = result.GetRequiredValue(_protocol);
        var port = protocol == Grpc ? UpCommand.DefaultGrpcPort : UpCommand.DefaultHttpPort;
        var options = new ServeOptions
        {
            Protocol = protocol,
            Url = (result.GetValue(_url) ?? new Uri($"http://127.0.0.1:{port}")).AbsoluteUri,
            Request = new ChatRequestSettings(
                result.GetRequiredValue(_model), result.GetValue(_temperature), result.GetValue(_ignoreEos), result.GetValue(_draftTokens)),
            Streams = result.GetRequiredValue(_streams),
            RequestsPerStream = result.GetValue(_requests),
            RequestsPerSecond = result.GetRequiredValue(_rates),
            DurationSeconds = result.GetValue(_duration),
            OutstandingMax = result.GetValue(_outstanding),
            PromptWords = result.GetValue(_words),
            PromptTokens = result.GetValue(_promptTokens),
            SharedPrefix = result.GetValue(_shared),
            PromptFile = result.GetValue(_file),
            AnswerTokensMax = result.GetValue(_maxTokens),
            WarmUpRequests = result.GetValue(_warmUp),
            TimeoutSeconds = result.GetValue(_timeout),
            Targets = new LatencyTargets(result.GetValue(_firstTokenTarget), result.GetValue(_interTokenTarget)),
            Seed = result.GetValue(_seed),
            ServerProcessIds = result.GetValue(_serverProcesses) ?? [],
        };
        Check(options);
        return options;
    }

    private static void Check(ServeOptions options)
    {
        if (options.Streams.Any(streams => streams < 1))
            throw new UserErrorException("--streams: every level needs at least one stream.");
        if (options.RequestsPerSecond.Any(rate => !(rate > 0 && double.IsFinite(rate))))
            throw new UserErrorException("--rate: every level needs a rate above 0.");
        var length = options.PromptTokens > 0 ? options.PromptTokens : options.PromptWords;
        if (options.PromptFile is null && options.SharedPrefix >= length)
            throw new UserErrorException($"--shared-prefix: {options.SharedPrefix} must be less than the prompt's length, {length}.");
    }

    private static double? ReadTemperature(ArgumentResult result)
    {
        if (result.Tokens[0].Value == "server")
            return null;
        if (double.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out var temperature))
            return temperature;
        result.AddError($"--temperature: '{result.Tokens[0].Value}' is neither a number nor 'server'.");
        return null;
    }

    private static Option<int[]> List(string name, string description, params int[] values) => new(name)
    {
        Description = description,
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => values,
    };

    private static Option<int> Number(string name, string description, int value, int least)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < least)
                result.AddError($"{name} must be at least {least}.");
        });
        return option;
    }

    private static Option<double> Seconds(string name, string description, double value)
    {
        var option = new Option<double>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (!(result.GetValueOrDefault<double>() > 0))
                result.AddError($"{name} must be above 0.");
        });
        return option;
    }
}
