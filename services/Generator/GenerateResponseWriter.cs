using Grpc.Core;
using Parley.Generator.Sampling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Wire = Parley.Generator.V1;

namespace Parley.Generator;

/// <summary>Copies a sequence's stream to its call: prompt, progress while nothing else goes, tokens as they come, one ending.</summary>
internal sealed class GenerateResponseWriter(
    Sequence sequence, IServerStreamWriter<Wire.GenerateResponse> response, Func<Wire.GetLoadResponse> load, TimeSpan progressInterval,
    TimeProvider time)
{
    private const int FormatsToldMax = 32;

    private readonly List<StreamedToken> _tokens = [];
    private readonly List<PromptJudgement> _judgements = [];
    private bool _promptSent;
    private bool _tokensSent;

    /// <summary>Writes until the ending is out or the call is over.</summary>
    public async Task WriteAllAsync(CancellationToken cancellationToken)
    {
        var stream = sequence.Stream;
        if (sequence.Guide?.Guide.UnknownFormats is { Count: > 0 } formats)
        {
            var told = new Wire.GuideEvent { UnassertedFormats = { formats.Order(StringComparer.Ordinal).Take(FormatsToldMax) } };
            await response.WriteAsync(new Wire.GenerateResponse { Guide = told }, cancellationToken);
        }

        using var left = cancellationToken.UnsafeRegister(static (state, token) => ((TokenStream)state!).Leave(token), stream);
        while (await WaitAsync(cancellationToken))
        {
            _tokens.Clear();
            stream.ReadReady(_tokens, _judgements);
            await WritePromptAsync(cancellationToken);
            foreach (var judgement in _judgements)
                await response.WriteAsync(new Wire.GenerateResponse { PromptLogprobs = Map(judgement) }, cancellationToken);
            _judgements.Clear();
            if (_tokens.Count == 0)
                continue;
            _tokensSent = true;
            await response.WriteAsync(new Wire.GenerateResponse { Tokens = Map(_tokens) }, cancellationToken);
        }

        await WritePromptAsync(cancellationToken);
        await response.WriteAsync(Map(stream.End!), cancellationToken);
    }

    /// <summary>Waits for tokens or the end and, before the first token, tells the progress meanwhile.</summary>
    private async ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        var ready = sequence.Stream.WaitAsync();
        if (ready.IsCompleted || _tokensSent)
            return await ready;
        var task = ready.AsTask();
        while (true)
        {
            using var interval = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var delay = Task.Delay(progressInterval, time, interval.Token);
            var first = await Task.WhenAny(task, delay);
            await interval.CancelAsync();
            if (first == task || cancellationToken.IsCancellationRequested)
                return await task;
            await WritePromptAsync(cancellationToken);
            var progress = new Wire.ProgressEvent
            {
                QueuePosition = (uint)sequence.QueuePosition,
                PromptTokensDone = (uint)sequence.PromptTokensDone,
            };
            await response.WriteAsync(new Wire.GenerateResponse { Progress = progress }, cancellationToken);
        }
    }

    private async ValueTask WritePromptAsync(CancellationToken cancellationToken)
    {
        if (_promptSent || sequence.Stream.CachedTokens is not { } cachedTokens)
            return;
        _promptSent = true;
        var prompt = new Wire.PromptEvent { PromptTokens = (uint)sequence.PromptLength, CachedTokens = (uint)cachedTokens };
        if (sequence.Parameters.Sample)
            prompt.Seed = sequence.Parameters.Seed;
        await response.WriteAsync(new Wire.GenerateResponse { Prompt = prompt }, cancellationToken);
    }

    private static Wire.PromptLogprobsEvent Map(PromptJudgement judgement)
    {
        var message = new Wire.PromptLogprobsEvent { Start = (uint)judgement.Start };
        foreach (var token in judgement.Tokens)
        {
            var one = new Wire.PromptTokenLogprobs { Logprob = token.Logprob, Rank = (uint)token.Rank };
            one.Top.Add(token.Top.Select(top => new Wire.TokenLogprob { Id = (uint)top.Id, Logprob = top.Logprob }));
            message.Tokens.Add(one);
        }

        return message;
    }

    private static Wire.TokensEvent Map(List<StreamedToken> tokens)
    {
        var message = new Wire.TokensEvent();
        message.Ids.Capacity = tokens.Count;
        foreach (var (id, detail) in tokens)
        {
            message.Ids.Add(id);
            if (detail is null)
                continue;
            if (detail.Logprob is { } logprob)
                message.Logprobs.Add(Map(logprob, detail.Top));
            if (detail.Trace.Count > 0)
                message.Traces.Add(Map(detail.Trace));
        }

        return message;
    }

    private static Wire.TokenLogprobs Map(float logprob, IReadOnlyList<TokenLogprob> top)
    {
        var message = new Wire.TokenLogprobs { Logprob = logprob };
        foreach (var token in top)
            message.Top.Add(new Wire.TokenLogprob { Id = (uint)token.Id, Logprob = token.Logprob });
        return message;
    }

    private static Wire.TokenTrace Map(IReadOnlyList<TraceCandidate> candidates)
    {
        var message = new Wire.TokenTrace();
        foreach (var candidate in candidates)
        {
            var traced = new Wire.TraceCandidate { Id = (uint)candidate.Id, Logit = candidate.Logit };
            foreach (var (stage, probability) in candidate.Stages)
                traced.Stages.Add(new Wire.StageProbability { Stage = stage, Probability = probability });
            message.Candidates.Add(traced);
        }

        return message;
    }

    private Wire.GenerateResponse Map(SequenceEnd end)
    {
        var usage = new Wire.Usage
        {
            PromptTokens = (uint)end.Usage.PromptTokens,
            CachedTokens = (uint)end.Usage.CachedTokens,
            CompletionTokens = (uint)end.Usage.CompletionTokens,
        };
        var timings = new Wire.Timings
        {
            QueueNanoseconds = Nanoseconds(end.Timings.Queue),
            PrefillNanoseconds = Nanoseconds(end.Timings.Prefill),
            DecodeNanoseconds = Nanoseconds(end.Timings.Decode),
        };
        if (end.Finish is not { } finish)
            return new Wire.GenerateResponse { Failed = Map(end, usage, timings) };
        var finished = new Wire.FinishedEvent
        {
            Reason = Map(finish),
            Usage = usage,
            Timings = timings,
            Seed = sequence.Parameters.Seed,
            Load = load(),
        };
        if (end.StopTokenId is { } stopTokenId)
            finished.StopTokenId = stopTokenId;
        return new Wire.GenerateResponse { Finished = finished };
    }

    private static Wire.FailedEvent Map(SequenceEnd end, Wire.Usage usage, Wire.Timings timings) => new()
    {
        Code = end.Failure switch
        {
            FailureReason.StepFailed => Wire.FailureCode.StepFailed,
            FailureReason.ShuttingDown => Wire.FailureCode.ShuttingDown,
            FailureReason.DeadlineExceeded => Wire.FailureCode.DeadlineExceeded,
            FailureReason.SlowReader => Wire.FailureCode.SlowReader,
            FailureReason.Unhealthy => Wire.FailureCode.Unhealthy,
            FailureReason.ModelFault => Wire.FailureCode.ModelFault,
            FailureReason.NothingToChoose => Wire.FailureCode.NothingToChoose,
            FailureReason.Internal => Wire.FailureCode.Internal,
            _ => Wire.FailureCode.Unspecified,
        },
        Message = end.Message,
        Retryable = end.Retryable,
        Usage = usage,
        Timings = timings,
    };

    private static Wire.FinishReason Map(FinishReason reason) => reason switch
    {
        FinishReason.Eos => Wire.FinishReason.Eos,
        FinishReason.StopToken => Wire.FinishReason.StopToken,
        FinishReason.MaxTokens => Wire.FinishReason.MaxTokens,
        FinishReason.ContextFull => Wire.FinishReason.ContextFull,
        _ => Wire.FinishReason.Unspecified,
    };

    private static ulong Nanoseconds(TimeSpan time) => (ulong)Math.Max(0, time.Ticks) * 100;
}
