using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Parley.Generator.Adapters;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.Guidance;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Wire = Parley.Generator.V1;

namespace Parley.Generator;

/// <summary>The edge: reads a request, queues its sequence, copies its stream to the call, and says when the caller left.</summary>
internal sealed class GenerationService(
    EngineHost host, AdmissionQueue queue, IOptions<GeneratorOptions> optionsAccessor, GeneratorTelemetry telemetry, SequenceSpans spans,
    GuideCompiler guides, TimeProvider time, ILogger<GenerationService> logger)
    : Wire.Generation.GenerationBase
{
    private static readonly string InstanceId = Guid.NewGuid().ToString("N");

    private static readonly string Version =
        typeof(GenerationService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    private readonly GeneratorOptions _options = optionsAccessor.Value;

    private TimeSpan RetryAfter => TimeSpan.FromSeconds(_options.RetryAfterSeconds);

    public override Task<Wire.DescribeResponse> Describe(Wire.DescribeRequest request, ServerCallContext context)
    {
        var (model, engine) = Served();
        var (runner, limits) = (engine.Runner, engine.Limits);
        return Task.FromResult(new Wire.DescribeResponse
        {
            Model = ServedNames(model)[0],
            ModelAliases = { ServedNames(model).Skip(1) },
            Architecture = model.Architecture,
            Precision = model.Precision,
            Device = runner.Device,
            VocabularySize = (uint)model.Shape.VocabularySize,
            ContextTokensMax = (uint)limits.ContextTokensMax,
            CompletionTokensMax = (uint)Math.Min(_options.CompletionTokensMax, limits.ContextTokensMax),
            EosTokenIds = { model.Defaults.EosTokenIds },
            DefaultSampling = Sampling(model).Describe(),
            TokenizerSha256 = model.TokenizerSha256,
            PackageSha256 = model.PackageSha256,
            Parameters = (ulong)model.Parameters,
            KvBlockTokens = (uint)runner.BlockTokens,
            KvBlocks = (uint)runner.BlockCount,
            KvBytesPerToken = (uint)model.KvBytesPerToken,
            RunningSequencesMax = (uint)limits.RunningSequencesMax,
            QueuedRequestsMax = (uint)_options.QueuedRequestsMax,
            QueuedPromptTokensMax = (uint)_options.QueuedPromptTokensMax,
            StepTokensMax = (uint)limits.StepTokensMax,
            DraftTokensMax = (uint)limits.DraftTokensMax,
            Version = Version,
            InstanceId = InstanceId,
            DefaultStopStrings = { model.Defaults.StopStrings },
            UnhonouredDefaults = { model.Defaults.Unhonoured },
            WithoutVision = model.WithoutVision,
            NumericsSha256 = runner.Numerics.Length == 0 ? "" : Convert.ToHexStringLower(
                SHA256.HashData(Encoding.UTF8.GetBytes($"{model.PackageSha256} {Version} {runner.Numerics}"))),
            Adapters = { (host.Adapters?.Served ?? []).Select(AdapterService.Describe) },
            AdapterLoading = _options.AdapterDirectory.Length > 0,
        });
    }

    public override Task<Wire.GetLoadResponse> GetLoad(Wire.GetLoadRequest request, ServerCallContext context) => Task.FromResult(Load());

    public override async Task Generate(
        Wire.GenerateRequest request, IServerStreamWriter<Wire.GenerateResponse> responseStream, ServerCallContext context)
    {
        var (model, engine) = Served();
        var reader = new GenerateRequestReader(model, ServedNames(model), engine.Limits, Sampling(model));
        reader.CheckServed(request);
        // Nothing is worked on for one that is not there; the sequence's own hold is taken when all else is known.
        HoldAdapter(request)?.Dispose();
        var violations = new List<BadRequest.Types.FieldViolation>();
        var matcher = await new GuideReader(guides, RetryAfter).ReadAsync(request, violations, context.CancellationToken);
        var (prompt, resumed, parameters) = reader.Read(request, violations);
        var stream = new TokenStream(_options.StreamTokensMax, queue.Wake);
        var requestId = request.RequestId.Length > 0 ? request.RequestId : Guid.NewGuid().ToString("N");
        var sequence = new Sequence(requestId, prompt, resumed, parameters, stream, DeadlineOf(context))
        {
            Guide = matcher,
            Adapter = HoldAdapter(request),
        };
        spans.Begin(sequence);
        try
        {
            Admit(sequence);
        }
        catch
        {
            // The engine will never see it end.
            sequence.Adapter?.Dispose();
            throw;
        }

        using var left = context.CancellationToken.UnsafeRegister(_ => Leave(sequence), null);
        try
        {
            var writer = new GenerateResponseWriter(
                sequence, responseStream, Load, TimeSpan.FromSeconds(_options.ProgressSeconds), time);
            await writer.WriteAllAsync(context.CancellationToken);
        }
        finally
        {
            // Whatever ends the call ends the sequence; after its own ending this does nothing.
            Leave(sequence);
            spans.End(sequence);
        }
    }

    /// <exception cref="RpcException">NOT_FOUND, with the names that are known.</exception>
    private AdapterHold? HoldAdapter(Wire.GenerateRequest request)
    {
        try
        {
            return request.Adapter.Length == 0 ? null
                : host.Adapters?.Hold("adapter", request.Adapter)
                    ?? throw GrpcFaults.NotFound("adapter", "this service has no adapters.");
        }
        catch (AdapterException exception)
        {
            throw GrpcFaults.Of(exception);
        }
    }

    private void Admit(Sequence sequence)
    {
        if (time.GetTimestamp() >= sequence.Deadline)
            throw GrpcFaults.DeadlineExceeded("The deadline passed before the request was accepted.");
        var result = queue.TryEnqueue(sequence);
        if (result == AdmissionResult.Accepted)
        {
            Log.Accepted(logger, sequence.RequestId, sequence.PromptLength);
            return;
        }

        telemetry.Refused(result);
        Log.Refused(logger, sequence.RequestId, result.ToString());
        throw result switch
        {
            AdmissionResult.Overloaded => GrpcFaults.Overloaded(
                $"The queue is full: {queue.Requests} of {_options.QueuedRequestsMax} requests and {queue.PromptTokens} of "
                + $"{_options.QueuedPromptTokensMax} prompt tokens wait, this prompt has {sequence.PromptLength}.", RetryAfter),
            AdmissionResult.TooLate => GrpcFaults.Overloaded(
                $"The queue cannot be worked off before the deadline: {queue.PromptTokens} prompt tokens wait, at "
                + $"{queue.Rate.TokensPerSecond:F0} tokens/s.", queue.LeastWait > RetryAfter ? queue.LeastWait : RetryAfter),
            AdmissionResult.Draining => GrpcFaults.Unavailable("The service is draining.", RetryAfter),
            _ => Unhealthy(),
        };
    }

    private void Leave(Sequence sequence)
    {
        if (sequence.Stream.End is not null)
            return;
        sequence.Cancel();
        queue.Wake();
    }

    private long DeadlineOf(ServerCallContext context)
    {
        if (context.Deadline == DateTime.MaxValue)
            return long.MaxValue;
        var left = context.Deadline - time.GetUtcNow().UtcDateTime;
        return time.GetTimestamp() + (long)(left.TotalSeconds * time.TimestampFrequency);
    }

    private (ServedModel Model, GenerationEngine Engine) Served()
    {
        if (host.State == EngineState.Unhealthy)
            throw Unhealthy();
        return host is { Model: { } model, Engine: { } engine }
            ? (model, engine)
            : throw GrpcFaults.Unavailable("The model is being loaded.", RetryAfter);
    }

    private RpcException Unhealthy() =>
        GrpcFaults.Unavailable("The service is unhealthy.", RetryAfter);

    private SamplingReader Sampling(ServedModel model) => new(model.Defaults, _options, model.Shape.VocabularySize);

    private string[] ServedNames(ServedModel model) => _options.ServedNames(model.Name);

    private Wire.GetLoadResponse Load()
    {
        var load = new Wire.GetLoadResponse
        {
            QueuedRequests = (uint)queue.Requests,
            QueuedPromptTokens = (uint)queue.PromptTokens,
            Draining = queue.IsDraining,
            Unhealthy = host.State == EngineState.Unhealthy,
        };
        if (host.Engine?.Snapshot is not { } snapshot)
            return load;
        load.RunningSequences = (uint)snapshot.RunningSequences;
        load.KvBlocksUsed = (uint)snapshot.KvBlocksUsed;
        load.KvBlocks = (uint)snapshot.KvBlocks;
        load.Steps = (ulong)snapshot.Steps;
        load.PromptTokens = (ulong)snapshot.PromptTokens;
        load.CompletionTokens = (ulong)snapshot.CompletionTokens;
        load.CachedTokens = (ulong)snapshot.CachedTokens;
        return load;
    }
}
