using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Parley.Cli.Bench.Serve;
using Parley.Embedded.Hosting;
using Parley.Generator;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.Execution;
using Parley.Generator.Machine;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using ServedModel = Parley.Generator.Engine.ServedModel;

namespace Parley.Cli.Bench.Stack;

/// <summary>
/// The same decoding at three heights over one loaded model: bare steps, the engine around them, the three services around that. Each
/// height sees the same number of sequences at the same lengths, and the bare steps are measured before and after the others.
/// </summary>
internal sealed class StackRun : IDisposable
{
    public const string StepsHeight = "steps";
    public const string EngineHeight = "engine";
    public const string ServicesHeight = "services";

    private readonly StackOptions _options;
    private readonly GeneratorOptions _settings;
    private readonly ServedModel _model;
    private readonly IModelRunner _runner;
    private readonly EngineLimits _limits;
    private readonly string _package;
    private readonly StackRoom _room;

    /// <exception cref="InvalidDataException">The package is missing or broken.</exception>
    public StackRun(string package, StackOptions options, int threads)
    {
        _options = options;
        _package = package;
        _settings = new GeneratorOptions { PackageDirectory = package, Threads = threads };
        new ConfigurationBuilder().AddInMemoryCollection(options.Settings).Build().GetSection(GeneratorOptions.SectionName).Bind(_settings);
        var opened = new PackageOpener(Options.Create(_settings), NullLoggerFactory.Instance).Open();
        var size = HostMemoryPlan.Compute(
            _settings, opened.Shape, opened.KvBytesPerToken, opened.WeightBytes, ProcessLimits.Current).Cache;
        _limits = _settings.ToLimits(Math.Min(size.ContextTokensMax, size.BlockCount * _settings.KvBlockTokens));
        var started = Stopwatch.GetTimestamp();
        _runner = options.PacedStepMs is { } step
            ? new PacedRunner(opened.Shape, PackageOpener.SizesOf(_settings, size), TimeSpan.FromMilliseconds(step))
            : opened.CreateRunner(size);
        LoadSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        _model = opened;
        _room = new StackRoom(
            options, _limits.RunningSequencesMax, _limits.ContextTokensMax, size.BlockCount, _settings.KvBlockTokens,
            opened.KvBytesPerToken);
    }

    public double LoadSeconds { get; }

    public string Device => _runner.Device;

    /// <summary>Measures every level; one that fails says so in its result, and the others go on.</summary>
    /// <exception cref="UserErrorException">The levels do not fit the model's context or the KV cache.</exception>
    public async Task<IReadOnlyList<StackResult>> RunAsync(Action<string> progress, CancellationToken cancellationToken)
    {
        _room.Check(_options.PromptWords);
        var streams = _options.Streams;
        var prompt = _options.PromptWords;
        var services = new (StackMeasure? Measure, string? Failure)[streams.Count];
        if (_options.Heights.Contains(ServicesHeight))
            prompt = await ServicesAsync(services, progress, cancellationToken);
        return [.. Enumerable.Range(0, streams.Count).Select(i => Level(streams[i], prompt, services[i], progress))];
    }

    private StackResult Level(int streams, int prompt, (StackMeasure? Measure, string? Failure) services, Action<string> progress)
    {
        StackMeasure? before = null, engine = null, after = null;
        var failure = services.Failure;
        try
        {
            if (_options.Heights.Contains(StepsHeight))
                before = Told($"bare steps, {streams} streams", () => Steps(streams, prompt), progress);
            if (_options.Heights.Contains(EngineHeight))
                engine = Told($"engine, {streams} streams", () => Engine(streams, prompt), progress);
            if (before is not null)
                after = Told($"bare steps again, {streams} streams", () => Steps(streams, prompt), progress);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            failure ??= exception.Message;
        }

        return new StackResult(streams, after is null ? before : Mean(before!, after), engine, services.Measure, failure);
    }

    /// <summary>Says what begins and what it gave, so that a run that is ended early has not been for nothing.</summary>
    private static StackMeasure Told(string what, Func<StackMeasure> measure, Action<string> progress)
    {
        progress($"{what}…");
        var result = measure();
        progress($"{what}: {result}");
        return result;
    }

    public void Dispose() => _runner.Dispose();

    /// <summary>The services first: they say how long the prompts are, template included.</summary>
    /// <returns>Tokens of a prompt.</returns>
    private async Task<int> ServicesAsync(
        (StackMeasure? Measure, string? Failure)[] results, Action<string> progress, CancellationToken cancellationToken)
    {
        var streams = _options.Streams;
        var runner = new LentRunner(_runner);
        var options = new LocalSystemOptions
        {
            PackageDirectory = _package,
            Threads = _settings.Threads,
            Settings = _options.Settings,
            OpenModel = () => _model with { CreateRunner = _ => runner },
        };
        await using var system = await LocalSystem.StartAsync(options, cancellationToken);
        var url = _options.Protocol == ServeArguments.Grpc ? system.Grpc : system.Http;
        progress("services, warming up…");
        var warmUp = await LoadProcess.RunAsync(url, streams.Max(), _options with { Requests = 1 }, cancellationToken);
        var promptTokens = (int)(warmUp.PromptTokens / warmUp.Completed);
        _room.Check(promptTokens);
        for (var i = 0; i < streams.Count; i++)
        {
            progress($"services, {streams[i]} streams…");
            try
            {
                var measure = await ServicesLevelAsync(url, streams[i], runner, cancellationToken);
                progress($"services, {streams[i]} streams: {measure}");
                results[i].Measure = measure;
            }
            catch (UserErrorException exception)
            {
                progress($"services, {streams[i]} streams failed: {exception.Message}");
                results[i].Failure = exception.Message;
            }
        }

        return promptTokens;
    }

    private async Task<StackMeasure> ServicesLevelAsync(Uri url, int streams, LentRunner runner, CancellationToken cancellationToken)
    {
        var (busy, steps, bytes, began) = (runner.Busy, runner.Steps, GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
        var level = await LoadProcess.RunAsync(url, streams, _options, cancellationToken);
        if (level.Failed > 0)
        {
            var kinds = string.Join(", ", level.Failures.Select(kind => $"{kind.Value} × {kind.Key}"));
            throw new UserErrorException($"{level.Failed} of {level.Failed + level.Completed} requests failed: {kinds}");
        }

        var elapsed = Stopwatch.GetElapsedTime(began);
        return new StackMeasure(
            level.SteadyTokensPerSecond,
            level.ServerMicrosecondsPerToken ?? 0,
            (runner.Busy - busy).TotalMilliseconds / (runner.Steps - steps),
            (runner.Busy - busy) / elapsed,
            (double)(GC.GetTotalAllocatedBytes() - bytes) / level.OutputTokens,
            GC.GetTotalMemory(forceFullCollection: true) / 1e6,
            level.ClientMicrosecondsPerToken);
    }

    /// <summary>Sequences that grow from the prompt's length by the answer's, all in each step.</summary>
    private StackMeasure Steps(int streams, int promptTokens)
    {
        var steps = new DecodeSteps(_runner, _limits, streams, promptTokens);
        steps.Prefill();
        var runner = new LentRunner(_runner);
        var (bytes, processor, began) = (GC.GetTotalAllocatedBytes(), Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
        for (var token = 0; token < _options.AnswerTokens; token++)
            steps.Decode(runner);
        return Measured(runner, (long)streams * _options.AnswerTokens, Stopwatch.GetElapsedTime(began), processor, bytes);
    }

    /// <summary>The engine on this thread; its streams are read behind each step.</summary>
    private StackMeasure Engine(int streams, int promptTokens)
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var runner = new LentRunner(_runner);
        var queue = new AdmissionQueue(streams, int.MaxValue, TimeProvider.System);
        using var engine = new GenerationEngine(
            runner, _model.Defaults.EosTokenIds, _limits, queue, TimeProvider.System,
            new GeneratorTelemetry(services.GetRequiredService<IMeterFactory>()), NullLogger.Instance);
        var parameters = new SamplingParameters
        {
            Sample = _options.Temperature > 0,
            Temperature = _options.Temperature > 0 ? (float)_options.Temperature : 1,
            TopK = 50,
            MaxTokens = _options.AnswerTokens + 1,
            IgnoreEos = true,
        };
        var sequences = new List<Sequence>();
        for (var stream = 0; stream < streams; stream++)
        {
            var prompt = DecodeSteps.RandomIds(stream, promptTokens, _runner.Shape.VocabularySize);
            var sequence = new Sequence($"{stream}", prompt, [], parameters, new TokenStream(_settings.StreamTokensMax, queue.Wake));
            queue.TryEnqueue(sequence);
            sequences.Add(sequence);
        }

        var read = new List<StreamedToken>();
        while (sequences.Any(sequence => !sequence.IsDecoding))
            engine.Step();
        Drain(sequences, read);
        var (busy, stepCount) = (runner.Busy, runner.Steps);
        var (bytes, processor, began) = (GC.GetTotalAllocatedBytes(), Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp());
        var tokens = 0L;
        while (sequences.All(sequence => sequence.Stream.End is null))
        {
            engine.Step();
            tokens += Drain(sequences, read);
        }

        return Measured(runner, tokens, Stopwatch.GetElapsedTime(began), processor, bytes, busy, stepCount);
    }

    private static int Drain(List<Sequence> sequences, List<StreamedToken> read)
    {
        read.Clear();
        foreach (var sequence in sequences)
            sequence.Stream.ReadReady(read);
        return read.Count;
    }

    private static StackMeasure Measured(
        LentRunner runner, long tokens, TimeSpan elapsed, TimeSpan processorBefore, long bytesBefore, TimeSpan busyBefore = default,
        long stepsBefore = 0)
    {
        var processor = Environment.CpuUsage.TotalTime - processorBefore;
        var busy = runner.Busy - busyBefore;
        return new StackMeasure(
            tokens / elapsed.TotalSeconds,
            processor.TotalMicroseconds / tokens,
            busy.TotalMilliseconds / (runner.Steps - stepsBefore),
            busy / elapsed,
            (double)(GC.GetTotalAllocatedBytes() - bytesBefore) / tokens,
            GC.GetTotalMemory(forceFullCollection: true) / 1e6);
    }

    private static StackMeasure Mean(StackMeasure one, StackMeasure other) => new(
        2 / ((1 / one.TokensPerSecond) + (1 / other.TokensPerSecond)),
        (one.ProcessorMicrosecondsPerToken + other.ProcessorMicrosecondsPerToken) / 2,
        (one.StepMs + other.StepMs) / 2,
        (one.StepShare + other.StepShare) / 2,
        (one.AllocatedBytesPerToken + other.AllocatedBytesPerToken) / 2,
        Math.Max(one.HeapMegabytes, other.HeapMegabytes));
}
