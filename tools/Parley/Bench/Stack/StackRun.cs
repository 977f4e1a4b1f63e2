using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Parley.Cli.Bench.Serve;
using Parley.Cli.Hosting;
using Parley.Generator;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.Execution;
using Parley.Generator.KvCache;
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

    /// <exception cref="InvalidDataException">The package is missing or broken.</exception>
    public StackRun(string package, StackOptions options, int threads)
    {
        _options = options;
        _package = package;
        _settings = new GeneratorOptions { PackageDirectory = package, Threads = threads };
        new ConfigurationBuilder().AddInMemoryCollection(options.Settings).Build().GetSection(GeneratorOptions.SectionName).Bind(_settings);
        var opened = new PackageOpener(Options.Create(_settings), NullLoggerFactory.Instance).Open();
        var size = KvCacheSize.Compute(_settings, opened.Shape.ContextTokensMax, opened.KvBytesPerToken);
        _limits = _settings.ToLimits(Math.Min(size.ContextTokensMax, size.BlockCount * _settings.KvBlockTokens));
        var started = Stopwatch.GetTimestamp();
        _runner = options.PacedStepMs is { } step
            ? new PacedRunner(opened.Shape, PackageOpener.SizesOf(_settings, size), TimeSpan.FromMilliseconds(step))
            : opened.CreateRunner(size);
        LoadSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        _model = opened;
    }

    public double LoadSeconds { get; }

    public string Device => _runner.Device;

    public async Task<IReadOnlyList<StackResult>> RunAsync(Action<string> progress, CancellationToken cancellationToken)
    {
        var streams = _options.Streams;
        var prompt = _options.PromptWords;
        var services = new StackMeasure?[streams.Count];
        if (_options.Heights.Contains(ServicesHeight))
            prompt = await ServicesAsync(services, progress, cancellationToken);
        var results = new List<StackResult>();
        for (var i = 0; i < streams.Count; i++)
        {
            StackMeasure? before = null, engine = null, after = null;
            if (_options.Heights.Contains(StepsHeight))
            {
                progress($"bare steps, {streams[i]} streams");
                before = Steps(streams[i], prompt);
            }

            if (_options.Heights.Contains(EngineHeight))
            {
                progress($"engine, {streams[i]} streams");
                engine = Engine(streams[i], prompt);
            }

            if (before is not null)
            {
                progress($"bare steps again, {streams[i]} streams");
                after = Steps(streams[i], prompt);
            }

            results.Add(new StackResult(streams[i], before is null ? null : Mean(before, after!), engine, services[i]));
        }

        return results;
    }

    public void Dispose() => _runner.Dispose();

    /// <summary>The services first: they say how long the prompts are, template included.</summary>
    /// <returns>Tokens of a prompt.</returns>
    private async Task<int> ServicesAsync(StackMeasure?[] measures, Action<string> progress, CancellationToken cancellationToken)
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
        progress("services, warming up");
        await LoadProcess.RunAsync(url, streams.Max(), _options with { Requests = 1 }, cancellationToken);
        var promptTokens = 0L;
        for (var i = 0; i < streams.Count; i++)
        {
            var count = streams[i];
            progress($"services, {count} streams");
            var (busy, steps, bytes, began) = (runner.Busy, runner.Steps, GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
            var level = await LoadProcess.RunAsync(url, count, _options, cancellationToken);
            if (level.Failed > 0)
                throw new UserErrorException($"{level.Failed} requests failed: {string.Join(", ", level.Failures.Keys)}");
            var elapsed = Stopwatch.GetElapsedTime(began);
            promptTokens = level.PromptTokens / level.Completed;
            measures[i] = new StackMeasure(
                level.SteadyTokensPerSecond,
                level.ServerMicrosecondsPerToken ?? 0,
                (runner.Busy - busy).TotalMilliseconds / (runner.Steps - steps),
                (runner.Busy - busy) / elapsed,
                (double)(GC.GetTotalAllocatedBytes() - bytes) / level.OutputTokens,
                GC.GetTotalMemory(forceFullCollection: true) / 1e6,
                level.ClientMicrosecondsPerToken);
        }

        return (int)promptTokens;
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
