using Parley.Generator.Sampling;
using Parley.Generator.Scheduling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;

namespace Parley.Generator.Engine;

/// <summary>The one place where sequences end: their books, their stream, then figures and log, whose listeners disturb nobody.</summary>
internal sealed class SequenceEndings(
    Scheduler scheduler, TokenDelivery delivery, GeneratorTelemetry telemetry, TimeProvider time, ILogger logger)
{
    /// <summary>What a caller is told of a fault of ours; the log has the rest.</summary>
    private const string InternalMessage = "A fault of the service ended this answer; the service's log has the cause.";

    /// <summary>The sequence is complete.</summary>
    public void Finish(Sequence sequence, FinishReason reason, uint? stopTokenId) =>
        End(sequence, reason, null, stopTokenId, "", retryable: false);

    public void Fail(Sequence sequence, FailureReason reason, string message, bool retryable = true) =>
        End(sequence, null, reason, null, message, retryable);

    /// <summary>Ends a sequence for which no token can be chosen.</summary>
    public void Fail(Sequence sequence, SamplingException exception)
    {
        if (exception.Reason == FailureReason.ModelFault)
        {
            // One number of the cache that is none makes all of them so, for every later prompt that begins alike.
            scheduler.Distrust(sequence);
            Log.ModelFault(logger, sequence.RequestId, exception.Message);
        }
        else
        {
            Log.NothingToChoose(logger, sequence.RequestId, exception.Message);
        }

        Fail(sequence, exception.Reason, exception.Message, retryable: false);
    }

    /// <summary>Ends a sequence whose own part of a step threw.</summary>
    public void Fail(SequenceFault fault)
    {
        Log.SequenceFailed(logger, fault.Sequence.RequestId, fault.Exception);
        Fail(fault.Sequence, FailureReason.Internal, InternalMessage);
    }

    /// <summary>Tells a sequence's caller of the end. Books, clock and figures are left alone: none can be trusted any more.</summary>
    public void Abandon(Sequence sequence, string message)
    {
        try
        {
            var usage = new SequenceUsage(sequence.PromptLength, sequence.PrefixTokens, sequence.AnswerLength);
            var end = new SequenceEnd(null, FailureReason.Unhealthy, null, message, Retryable: true, usage, default);
            if (sequence.Stream.End is null && sequence.Stream.Complete(end))
                delivery.Add(sequence.Stream);
        }
        catch (Exception exception)
        {
            Log.SequenceFailed(logger, sequence.RequestId, exception);
        }
    }

    /// <summary>Counts a run of the model.</summary>
    /// <param name="plan">What ran.</param>
    /// <param name="duration">How long.</param>
    public void Stepped(StepPlan plan, TimeSpan duration)
    {
        try
        {
            telemetry.Stepped(duration, plan.Rows.Length, plan.TokenCount);
        }
        catch (Exception exception)
        {
            Log.TelemetryFailed(logger, exception);
        }
    }

    /// <summary>Counts the masks of a step.</summary>
    /// <param name="duration">Time of the threads that made them.</param>
    /// <param name="waited">Time that the step had to wait for them.</param>
    public void Masked(TimeSpan duration, TimeSpan waited)
    {
        try
        {
            telemetry.Masked(duration, waited);
        }
        catch (Exception exception)
        {
            Log.TelemetryFailed(logger, exception);
        }
    }

    /// <summary>Notes the time of a sequence's first token.</summary>
    public void FirstToken(Sequence sequence)
    {
        sequence.FirstTokenAt = time.GetTimestamp();
        var isTraced = sequence.Trace?.Enter() ?? false;
        try
        {
            telemetry.FirstToken(time.GetElapsedTime(sequence.AcceptedAt, sequence.FirstTokenAt));
        }
        catch (Exception exception)
        {
            Log.TelemetryFailed(logger, exception);
        }

        if (isTraced)
            SequenceTrace.Leave();
    }

    private void End(
        Sequence sequence, FinishReason? finish, FailureReason? failure, uint? stopTokenId, string message, bool retryable)
    {
        // A fault may come after the first half of an ending; it has one end all the same.
        if (sequence.Status != SequenceStatus.Ended)
            scheduler.Remove(sequence);
        // No step reads it any more: a step has ended, or begins without this sequence.
        sequence.Adapter?.Dispose();
        if (sequence.Stream.End is null)
            Tell(sequence, Describe(sequence, finish, failure, stopTokenId, message, retryable));
    }

    private SequenceEnd Describe(
        Sequence sequence, FinishReason? finish, FailureReason? failure, uint? stopTokenId, string message, bool retryable)
    {
        var now = time.GetTimestamp();
        var startedAt = sequence.StartedAt == 0 ? now : sequence.StartedAt;
        var firstTokenAt = sequence.FirstTokenAt == 0 ? now : sequence.FirstTokenAt;
        return new SequenceEnd(
            finish, failure, stopTokenId, message, retryable,
            new SequenceUsage(sequence.PromptLength, sequence.PrefixTokens, sequence.AnswerLength),
            new SequenceTimings(
                time.GetElapsedTime(sequence.AcceptedAt, startedAt),
                time.GetElapsedTime(startedAt, firstTokenAt),
                time.GetElapsedTime(firstTokenAt, now)));
    }

    private void Tell(Sequence sequence, SequenceEnd end)
    {
        if (sequence.Stream.Complete(end))
            delivery.Add(sequence.Stream);
        var isTraced = sequence.Trace?.Enter() ?? false;
        try
        {
            telemetry.Ended(end, sequence.StartedAt != 0, sequence.FirstTokenAt != 0);
        }
        catch (Exception exception)
        {
            Log.TelemetryFailed(logger, exception);
        }

        Log.SequenceEnded(logger, sequence.RequestId, end.Finish?.ToString() ?? end.Failure.ToString()!, end.Usage.PromptTokens,
            end.Usage.CompletionTokens);
        if (isTraced)
            SequenceTrace.Leave();
    }
}
