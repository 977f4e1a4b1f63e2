using System.Diagnostics;
using Microsoft.Extensions.Options;
using Parley.Generator.Adapters;
using Parley.Generator.Admission;
using Parley.Generator.Execution;
using Parley.Generator.KvCache;
using Parley.Generator.Machine;
using Parley.Generator.Sequences;
using Parley.ServiceDefaults;

namespace Parley.Generator.Engine;

/// <summary>
/// The one thread that owns the engine. It starts before the port opens and loads the model while the port already says that it is
/// not ready; it is joined, and the runner gone, before the host ends.
/// </summary>
/// <remarks>
/// An engine that has broken while it served does not stop the process: liveness fails with the reason, readiness is off, every call is
/// told that the service is unhealthy, and whoever runs the process (Kubernetes by the liveness probe, an operator by the log) starts
/// it anew. To stop by itself would look like an orderly shutdown, and would take the other two services of <c>up</c> with it.
/// </remarks>
internal sealed class EngineHost : IHostedService, IDisposable
{
    /// <summary>An idle engine looks at itself this often, though anything posted wakes it at once.</summary>
    private static readonly TimeSpan IdleWait = TimeSpan.FromSeconds(1);

    /// <summary>With sequences here that cannot go on, deadlines and slow readers are looked at this often.</summary>
    private static readonly TimeSpan BlockedWait = TimeSpan.FromMilliseconds(100);

    private readonly Func<ServedModel> _openModel;
    private readonly GeneratorOptions _options;
    private readonly AdmissionQueue _queue;
    private readonly TimeProvider _time;
    private readonly GeneratorTelemetry _telemetry;
    private readonly QuietLogger _logger;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly ProcessLimits _limits;
    private readonly ProcessOutcome? _outcome;
    private readonly TimeSpan _drainTime;
    private readonly AutoResetEvent _wake = new(false);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration _stopping;
    private ServedModel? _model;
    private KvCacheSize _cacheSize;
    private GenerationEngine? _engine;
    private AdapterShelf? _adapters;
    private Thread? _thread;
    private long _drainDeadline = long.MaxValue;
    private long _heartbeat;
    private volatile EngineState _state;
    private volatile string? _unhealthyReason;
    private volatile bool _stopRequested;

    public EngineHost(
        Func<ServedModel> openModel, IOptions<GeneratorOptions> options, IOptions<HostOptions> hostOptions, AdmissionQueue queue,
        TimeProvider time, GeneratorTelemetry telemetry, ILogger<EngineHost> logger, IHostApplicationLifetime lifetime,
        ProcessLimits limits, ProcessOutcome? outcome = null)
    {
        _openModel = openModel;
        _options = options.Value;
        _queue = queue;
        _time = time;
        _telemetry = telemetry;
        _logger = new QuietLogger(logger);
        _lifetime = lifetime;
        _limits = limits;
        _outcome = outcome;

        // What is left of the host's time is for telling the callers.
        _drainTime = hostOptions.Value.ShutdownTimeout * 0.8;
    }

    public EngineState State => _state is EngineState.Ready && _queue.IsDraining ? EngineState.Draining : _state;

    /// <summary>Why the engine is unhealthy, for those who run it; null while it is not.</summary>
    public string? UnhealthyReason => _unhealthyReason;

    /// <summary>The opened package; null before the start.</summary>
    public ServedModel? Model => Volatile.Read(ref _model);

    /// <summary>The engine once the model is loaded, warmed up and served; null before.</summary>
    public GenerationEngine? Engine => _ready.Task.IsCompletedSuccessfully ? _engine : null;

    /// <summary>The adapters that are served beside the model; null before it is served, and where there is no package.</summary>
    public AdapterShelf? Adapters => _ready.Task.IsCompletedSuccessfully ? _adapters : null;

    /// <summary>Completes when the engine is ready; fails when the model cannot be served.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Time since the engine's thread last went round; null before it serves.</summary>
    public TimeSpan? SinceHeartbeat =>
        Volatile.Read(ref _heartbeat) is var heartbeat && heartbeat == 0 ? null : _time.GetElapsedTime(heartbeat);

    /// <summary>Opens the package and starts the thread.</summary>
    /// <exception cref="InvalidDataException">The package is broken, or does not fit the memory; the message says what.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var model = _openModel();
        Volatile.Write(ref _model, model);
        if (model.PlanCache is null)
            _cacheSize = HostMemoryPlan.Compute(_options, model.Shape, model.KvBytesPerToken, model.WeightBytes, _limits).Cache;

        Log.Loading(_logger, model.Name, model.Precision, model.Directory);
        _queue.OnPosted(() => _wake.Set());
        _stopping = _lifetime.ApplicationStopping.Register(Drain);
        _thread = new Thread(Run) { Name = "parley-engine", IsBackground = true };
        _thread.Start();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_thread is null)
            return;
        Drain();
        _stopRequested = true;
        _wake.Set();
        try
        {
            await _ended.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The host's time is over: nothing is waited for any more, and a step that still runs is made to end.
            Volatile.Write(ref _drainDeadline, 0);
            _wake.Set();
            _engine?.Runner.Terminate();
            await _ended.Task.WaitAsync(TimeSpan.FromSeconds(5), _time, CancellationToken.None)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose()
    {
        _stopping.Dispose();
        if (_thread is null || _ended.Task.IsCompleted)
            _wake.Dispose();
    }

    private void Drain()
    {
        if (_queue.IsDraining)
            return;
        Volatile.Write(ref _drainDeadline, _time.GetTimestamp() + (long)(_drainTime.TotalSeconds * _time.TimestampFrequency));
        if (_engine?.Snapshot is { } snapshot)
            Log.Draining(_logger, snapshot.RunningSequences, snapshot.WaitingSequences);
        _queue.Drain();
    }

    private void Run()
    {
        try
        {
            if (Load())
                Serve(_engine!);
        }
        finally
        {
            _state = _state == EngineState.Unhealthy ? EngineState.Unhealthy : EngineState.Stopped;
            _ready.TrySetCanceled();
            _engine?.Dispose();
            _adapters?.Dispose();
            _ended.SetResult();
        }
    }

    private bool Load()
    {
        try
        {
            var model = _model!;
            var started = Stopwatch.GetTimestamp();
            var size = PlanCache(model);
            var runner = model.CreateRunner(size);
            // Where no layer looks back that far, a sequence may be longer than the cache.
            var limits = _options.ToLimits(runner.SkipsBehindWindow && model.Shape.WindowTokens is not null ? size.ContextTokensMax
                : Math.Min(size.ContextTokensMax, runner.BlockCount * runner.BlockTokens));
            _engine = new GenerationEngine(runner, model.Defaults.EosTokenIds, limits, _queue, _time, _telemetry, _logger);
            LoadAdapters(model, runner);
            var loaded = Stopwatch.GetTimestamp();
            new EngineWarmUp(_engine, _options).Run();
            _engine.ResetTotals();
            _telemetry.Observe(new EngineGauges
            {
                Model = _options.ServedNames(model.Name)[0],
                Snapshot = () => _engine.Snapshot,
                Queue = () => (_queue.Requests, _queue.PromptTokens),
                Heartbeat = () => SinceHeartbeat,
                IsHealthy = () => _state != EngineState.Unhealthy,
                StepTokensMax = limits.StepTokensMax,
            });
            var kvMegabytes = (long)runner.BlockCount * runner.BlockTokens * model.KvBytesPerToken / (1024 * 1024);
            Log.Serving(
                _logger, model.Name, model.Precision, runner.Device, limits.ContextTokensMax, runner.BlockCount, runner.BlockTokens,
                kvMegabytes, limits.RunningSequencesMax, (long)Stopwatch.GetElapsedTime(started, loaded).TotalMilliseconds,
                (long)Stopwatch.GetElapsedTime(loaded).TotalMilliseconds);
            _state = EngineState.Ready;
            _ready.SetResult();
            return true;
        }
        catch (Exception exception)
        {
            Log.LoadFailed(_logger, exception);
            MarkUnhealthy("The model could not be loaded.");
            _ready.TrySetException(exception);
            _lifetime.StopApplication();
            return false;
        }
    }

    /// <summary>Puts the adapters of the settings on the shelf; one that cannot be served ends the start, as a package does.</summary>
    private void LoadAdapters(ServedModel model, IModelRunner runner)
    {
        if (model.Manifest is not { } manifest)
            return;
        _adapters = new AdapterShelf(
            new AdapterBaseModel(_options.ServedNames(model.Name), manifest, runner.Adapted), _options.ToAdapterLimits());
        foreach (var (name, folder) in _options.Adapters.OrderBy(adapter => adapter.Key, StringComparer.Ordinal))
        {
            try
            {
                var (adapter, _) = _adapters.Load(name, folder);
                Log.AdapterLoaded(_logger, name, adapter.RankMax, adapter.LinearCount, adapter.Weights.Bytes, adapter.Folder);
            }
            catch (AdapterException exception)
            {
                throw new InvalidDataException($"Generator:Adapters:{name}: {exception.Message}", exception);
            }
        }
    }

    /// <summary>Sizes the KV cache, and says on what all of it will run: before the weights are read, since that may be the end.</summary>
    private KvCacheSize PlanCache(ServedModel model)
    {
        var size = model.PlanCache?.Invoke() ?? _cacheSize;
        const long megabyte = 1024 * 1024;
        // On a device a block's length is the device's own; its bytes are in the device's own line.
        var cache = model.PlanCache is null
            ? $"{size.BlockCount * (long)_options.KvBlockTokens * model.KvBytesPerToken / megabyte} MB" : $"{size.BlockCount} blocks";
        Log.Starting(
            _logger, model.Runtime, _limits.MemoryBytes / megabyte, _limits.MemorySource, model.WeightBytes / megabyte, cache,
            model.Name, model.Precision, model.Importer, model.Directory);
        return size;
    }

    private void Serve(GenerationEngine engine)
    {
        try
        {
            var outcome = StepOutcome.Completed;
            while (!MayStop(outcome))
            {
                Volatile.Write(ref _heartbeat, _time.GetTimestamp());
                var wasIdle = outcome == StepOutcome.Idle;
                outcome = engine.Step();
                if (outcome == StepOutcome.Unhealthy)
                    MarkUnhealthy(engine.UnhealthyReason!);
                if (outcome == StepOutcome.Idle && !wasIdle)
                    CheckInvariants(engine);
                if (MayStop(outcome))
                    break;
                if (IsDrainTimeOver)
                    engine.FailAll(FailureReason.ShuttingDown, "The service is shutting down.");
                if (outcome is StepOutcome.Idle or StepOutcome.Unhealthy)
                    _wake.WaitOne(IdleWait);
                else if (outcome == StepOutcome.Blocked)
                    _wake.WaitOne(BlockedWait);
            }

            var left = engine.Snapshot.RunningSequences + engine.Snapshot.WaitingSequences;
            engine.FailAll(FailureReason.ShuttingDown, "The service is shutting down.");
            Log.Stopped(_logger, left);
        }
        catch (Exception exception)
        {
            // A fault of ours outside of a step's own transaction: nothing that the engine holds can be trusted any more.
            Log.EngineFailed(_logger, exception);
            MarkUnhealthy("The engine's thread failed; the service's log has the cause.");
            engine.Abandon("The service is unhealthy.");
        }
    }

    /// <summary>For good. The process stays and says so; when it is ended, its exit code says it too.</summary>
    private void MarkUnhealthy(string reason)
    {
        _outcome?.MarkFailed();
        _unhealthyReason = reason;
        _state = EngineState.Unhealthy;
        _queue.MarkUnhealthy();
    }

    private bool IsDrainTimeOver => _time.GetTimestamp() >= Volatile.Read(ref _drainDeadline);

    private bool MayStop(StepOutcome last) =>
        _stopRequested && (last is StepOutcome.Idle or StepOutcome.Unhealthy || IsDrainTimeOver);

    private static void CheckInvariants(GenerationEngine engine)
    {
        var violations = engine.CheckInvariants();
        if (violations.Count > 0)
            throw new InvalidOperationException("The engine is inconsistent: " + string.Join(" ", violations));
    }
}
