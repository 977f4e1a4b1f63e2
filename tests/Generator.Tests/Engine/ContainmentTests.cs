using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.KvCache;
using Parley.Generator.Scheduling;
using Parley.Generator.Sequences;
using Parley.Generator.Speculation;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Engine;

/// <summary>What throws on behalf of one sequence ends that sequence.</summary>
public sealed class ContainmentTests
{
    [Fact]
    public void Step_AFaultInOneSequencesSampling_EndsItAloneAndTellsNothingOfTheInside()
    {
        using var bench = new EngineBench();
        var other = bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(20));
        bench.Step();
        var faulty = bench.Submit([1, 2], EngineBench.Greedy(5) with { LogitBias = [KeyValuePair.Create(1000, 1f)] });
        bench.Drive();

        var end = faulty.Stream.End!;
        Assert.Equal((FailureReason.Internal, true, 0), (end.Failure!.Value, end.Retryable, end.Usage.CompletionTokens));
        Assert.Equal("A fault of the service ended this answer; the service's log has the cause.", end.Message);
        Assert.Contains("IndexOutOfRange", Assert.Single(bench.Log.Errors), StringComparison.Ordinal);
        Assert.Equal(EngineBench.Expected(EngineBench.Prompt(5), EngineBench.Greedy(20)), EngineBench.Read(other));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_NgramsThatBanEverything_EndTheSequenceByName()
    {
        using var bench = new EngineBench();
        var allowed = EngineBench.Greedy(50) with { AllowedTokenIds = [4, 5, 6], NoRepeatNgramSize = 1 };
        var sequence = bench.Submit([1, 2], allowed);
        bench.Drive();

        var end = sequence.Stream.End!;
        Assert.Equal((FailureReason.NothingToChoose, false), (end.Failure!.Value, end.Retryable));
        Assert.Contains("token 4 of the answer: no_repeat_ngram_size 1 and allowed_token_ids", end.Message, StringComparison.Ordinal);
        Assert.Equal([4u, 5u, 6u], EngineBench.Read(sequence).Order());
        bench.Log.AssertNoErrors();
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_AListenerOfTheFiguresThrows_NobodyNotices()
    {
        using var bench = new EngineBench();
        bench.Telemetry.Observe(new EngineGauges { Model = "scripted", Snapshot = () => null });
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, bench.Meters))
                self.EnableMeasurementEvents(instrument);
        };
        var heard = 0;
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => Throw());
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => Throw());
        listener.Start();
        var sequence = bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(5));
        bench.Drive();

        Assert.True(heard >= 2);
        Assert.Equal(FinishReason.MaxTokens, sequence.Stream.End!.Finish);
        Assert.Equal(EngineBench.Expected(EngineBench.Prompt(5), EngineBench.Greedy(5)), EngineBench.Read(sequence));
        bench.AssertEmpty();

        void Throw()
        {
            heard++;
            throw new InvalidOperationException("listener");
        }
    }

    [Fact]
    public void Step_TheLogThrows_NobodyNotices()
    {
        var runner = new ScriptedModelRunner();
        using var bench = new EngineBench(runner, logger: new BrokenLogger(), runningMax: 1);
        runner.BeforeRun = _ => throw new InvalidOperationException("device");
        var lost = bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(5));
        var kept = bench.Submit(EngineBench.Prompt(6), EngineBench.Greedy(5));
        bench.Step();
        runner.BeforeRun = null;
        bench.Drive();

        Assert.Equal((FailureReason.StepFailed, FinishReason.MaxTokens), (lost.Stream.End!.Failure!.Value, kept.Stream.End!.Finish!.Value));
    }

    [Fact]
    public void Step_NumbersForNobody_BecomesUnhealthyAfterSoManySteps()
    {
        var runner = new ScriptedModelRunner { LogitsOf = _ => [.. Enumerable.Repeat(float.NaN, 64)] };
        using var bench = new EngineBench(runner);
        for (var i = 0; i < 8; i++)
        {
            Assert.Null(bench.Engine.UnhealthyReason);
            var sequence = bench.Submit([1, 2], EngineBench.Greedy(5));
            Assert.Equal(i < 7 ? StepOutcome.Completed : StepOutcome.Unhealthy, bench.Step());
            Assert.Equal((FailureReason.ModelFault, false), (sequence.Stream.End!.Failure!.Value, sequence.Stream.End.Retryable));
        }

        Assert.Equal("The model gave no numbers in 8 steps in a row.", bench.Engine.UnhealthyReason);
        Assert.Equal(AdmissionResult.Unhealthy, bench.Queue.TryEnqueue(bench.Make([1], EngineBench.Greedy(1))));
        bench.Queue.Drain();
        Assert.Equal(AdmissionResult.Unhealthy, bench.Queue.TryEnqueue(bench.Make([1], EngineBench.Greedy(1))));
    }

    [Fact]
    public void Step_NoNumbers_LeavesNothingOfThePromptToShare()
    {
        var runner = new ScriptedModelRunner();
        using var bench = new EngineBench(runner);
        var prompt = EngineBench.Prompt(12);
        bench.Submit(prompt, EngineBench.Greedy(1));
        bench.Drive();
        runner.LogitsOf = _ => [.. Enumerable.Repeat(float.NaN, 64)];
        var broken = bench.Submit(prompt, EngineBench.Greedy(1));
        bench.Drive();
        runner.LogitsOf = history => ScriptedModelRunner.HashedLogits(history, 64);
        var next = bench.Submit(prompt, EngineBench.Greedy(3));
        bench.Drive();
        var last = bench.Submit(prompt, EngineBench.Greedy(3));
        bench.Drive();

        Assert.Equal((FailureReason.ModelFault, 8), (broken.Stream.End!.Failure!.Value, broken.Stream.End.Usage.CachedTokens));
        Assert.Equal(0, next.Stream.End!.Usage.CachedTokens);
        Assert.Equal(8, last.Stream.End!.Usage.CachedTokens);
        Assert.Equal(EngineBench.Expected(prompt, EngineBench.Greedy(3)), EngineBench.Read(next));
        bench.AssertEmpty();
    }

    [Fact]
    public void Step_NumbersForSomebodyNowAndThen_StaysHealthy()
    {
        var runner = new ScriptedModelRunner();
        runner.LogitsOf = history => history[0] == 1
            ? [.. Enumerable.Repeat(float.NaN, 64)]
            : ScriptedModelRunner.HashedLogits(history, 64);
        using var bench = new EngineBench(runner);
        for (var i = 0; i < 40; i++)
        {
            bench.Submit([1, 2], EngineBench.Greedy(5));
            bench.Step();
            if (i % 5 == 0)
                bench.Submit([3], EngineBench.Greedy(1));
        }

        Assert.Null(bench.Engine.UnhealthyReason);
    }

    [Fact]
    public void Plan_WhatIsDoneForOneSequenceThrows_PlansTheOthers()
    {
        var faults = new List<SequenceFault>();
        var pool = new KvBlockPool(32, 4, 64);
        var queue = new AdmissionQueue(8, 1000, TimeProvider.System);
        var sharing = new PromptSharing(pool, (_, _) => throw new InvalidOperationException("copy"));
        var speculator = new Speculator(0, 0, 64, 1);
        var scheduler = new Scheduler(
            new DecodeFirstPolicy(32, 8), sharing, speculator, pool, queue, 4, TimeSpan.FromSeconds(10), TimeProvider.System, faults);
        using var bench = new EngineBench();

        // The second begins like the first, goes apart inside of a block, and wants that block's copy.
        Sequence[] sequences =
        [
            bench.Make(EngineBench.Prompt(7), EngineBench.Greedy(2)), bench.Make([.. EngineBench.Prompt(6), 59, 58], EngineBench.Greedy(2)),
            bench.Make(EngineBench.Prompt(9, 3), EngineBench.Greedy(2)),
        ];
        var (plan, reservation) = (new StepPlan(), new KvReservation(pool));
        foreach (var sequence in sequences)
        {
            Assert.Equal(AdmissionResult.Accepted, queue.TryEnqueue(sequence));
            scheduler.Receive();
            scheduler.Plan(plan);
            foreach (var row in plan.Rows)
                Assert.True(reservation.TryReserve(row.Sequence, row.NewTokens));
            reservation.Commit(faults);
        }

        Assert.Equal((sequences[1], "copy"), (Assert.Single(faults).Sequence, faults[0].Exception.Message));
        Assert.Equal([sequences[0], sequences[1], sequences[2]], scheduler.Running);
        scheduler.Remove(sequences[1]);
        Assert.Equal(9, sequences[2].CachedLength);
    }

    private sealed class BrokenLogger : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("disk full");
    }
}
