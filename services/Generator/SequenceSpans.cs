using System.Diagnostics;
using Parley.Generator.Sequences;

namespace Parley.Generator;

/// <summary>
/// The spans of a sequence: <c>queue</c>, <c>prefill</c> and <c>decode</c>, below its call's. They are made when the call ends, of the time
/// stamps that the engine takes anyway: its thread makes none.
/// </summary>
internal sealed class SequenceSpans : IDisposable
{
    private readonly TimeProvider _time;
    private readonly ActivitySource _source;

    public SequenceSpans(TimeProvider time)
    {
        _time = time;
        _source = new ActivitySource(GeneratorTelemetry.MeterName);
    }

    /// <summary>Notes on whose behalf a sequence runs, where that is traced; before it is queued.</summary>
    public void Begin(Sequence sequence)
    {
        if (_source.HasListeners() && Activity.Current is { IsAllDataRequested: true } call)
            sequence.Trace = new SequenceTrace(call);
    }

    /// <summary>Makes the spans of an accepted sequence whose call ends; does nothing for one that is not traced.</summary>
    public void End(Sequence sequence)
    {
        if (sequence.Trace is not { } trace)
            return;
        // The engine may still write these stamps when the caller has left: each is read once.
        var (accepted, started, firstToken) = (sequence.AcceptedAt, sequence.StartedAt, sequence.FirstTokenAt);
        var now = _time.GetTimestamp();
        var utcNow = _time.GetUtcNow();
        var end = sequence.Stream.End;
        var endedAt = end is null ? utcNow : At(accepted) + end.Timings.Queue + end.Timings.Prefill + end.Timings.Decode;
        var error = ErrorOf(end);
        var queue = Start(trace, "queue", At(accepted));
        End(queue, started == 0 ? endedAt : At(started), started == 0 ? error : null);
        if (started == 0)
            return;

        var prefill = Start(trace, "prefill", At(started));
        prefill?.SetTag("gen_ai.usage.input_tokens", sequence.PromptLength);
        prefill?.SetTag("gen_ai.usage.cache_read.input_tokens", sequence.PrefixTokens);
        AddPreemptions(prefill, trace, started, firstToken == 0 ? long.MaxValue : firstToken);
        if (firstToken != 0)
            prefill?.AddEvent(new ActivityEvent("first_token", At(firstToken)));
        End(prefill, firstToken == 0 ? endedAt : At(firstToken), firstToken == 0 ? error : null);
        if (firstToken == 0)
            return;

        var decode = Start(trace, "decode", At(firstToken));
        decode?.SetTag("gen_ai.usage.output_tokens", sequence.AnswerLength);
        decode?.SetTag("parley.preemptions", trace.Preemptions);
        if (end?.Finish is { } finish)
            decode?.SetTag("parley.finish.reason", GeneratorTelemetry.NameOf(finish));
        AddPreemptions(decode, trace, firstToken, long.MaxValue);
        End(decode, endedAt, error);

        DateTimeOffset At(long stamp) => utcNow - _time.GetElapsedTime(stamp, now);

        void AddPreemptions(Activity? span, SequenceTrace noted, long from, long to)
        {
            foreach (var at in noted.PreemptedAt)
            {
                if (at >= from && at < to)
                    span?.AddEvent(new ActivityEvent("preemption", At(at)));
            }
        }
    }

    public void Dispose() => _source.Dispose();

    private Activity? Start(SequenceTrace trace, string name, DateTimeOffset at) => _source.StartActivity(
        name, ActivityKind.Internal, trace.Activity.Context, tags: null, links: null, startTime: at);

    private static void End(Activity? span, DateTimeOffset at, string? error)
    {
        if (span is null)
            return;
        if (error is not null)
        {
            span.SetStatus(ActivityStatusCode.Error, error);
            span.SetTag("error.type", error);
        }

        span.SetEndTime(at.UtcDateTime);
        span.Stop();
    }

    /// <summary>Null for a sequence that is complete; one without an end was left by its caller.</summary>
    private static string? ErrorOf(SequenceEnd? end) => end switch
    {
        null => GeneratorTelemetry.NameOf(FailureReason.Cancelled),
        { Failure: { } failure } => GeneratorTelemetry.NameOf(failure),
        _ => null,
    };
}
