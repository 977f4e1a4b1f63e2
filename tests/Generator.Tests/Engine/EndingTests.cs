using Parley.Generator.Engine;
using Parley.Generator.Sequences;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Engine;

public sealed class EndingTests
{
    [Fact]
    public void Cancel_InTheQueue_NeverComputes()
    {
        using var bench = new EngineBench();
        var sequence = bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(5));
        sequence.Cancel();

        bench.AssertEmpty();

        Assert.Equal(0, bench.Runner.Runs);
        Assert.Equal(FailureReason.Cancelled, sequence.Stream.End!.Failure);
        bench.Log.AssertNoErrors();
    }

    [Fact]
    public void Cancel_InPrefillAndInDecode_FreesTheBlocksAtTheNextStep()
    {
        using var bench = new EngineBench(stepTokensMax: 16, chunkTokens: 4);
        var decoding = bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(50));
        bench.Step();
        var prefilling = bench.Submit(EngineBench.Prompt(40, 3), EngineBench.Greedy(50));
        bench.Step();
        Assert.True(prefilling.PendingLength > 1 && decoding.IsDecoding);

        prefilling.Cancel();
        decoding.Cancel();
        bench.AssertEmpty();

        Assert.Equal(FailureReason.Cancelled, prefilling.Stream.End!.Failure);
        Assert.Equal(FailureReason.Cancelled, decoding.Stream.End!.Failure);
        Assert.Equal(2, decoding.Stream.End.Usage.CompletionTokens);
    }

    [Fact]
    public void Cancel_AfterTheLastToken_ChangesNothing()
    {
        using var bench = new EngineBench();
        var sequence = bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(1));
        bench.Step();
        sequence.Cancel();
        bench.AssertEmpty();
        Assert.Equal((FinishReason.MaxTokens, null), (sequence.Stream.End!.Finish!.Value, sequence.Stream.End.Failure));
    }

    [Fact]
    public void Deadline_PassedInTheQueue_NeverComputes()
    {
        using var bench = new EngineBench();
        var deadline = bench.Time.GetTimestamp() + bench.Time.TimestampFrequency;
        var sequence = bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(5), deadline: deadline);
        bench.Time.Advance(TimeSpan.FromSeconds(2));
        sequence.Cancel();
        bench.AssertEmpty();
        Assert.Equal(0, bench.Runner.Runs);
        Assert.Equal(FailureReason.DeadlineExceeded, sequence.Stream.End!.Failure);
    }

    [Fact]
    public void SlowReader_PausesAloneAndGoesOnWhereItStopped()
    {
        using var bench = new EngineBench();
        var slow = bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(12), streamTokensMax: 4);
        var fast = bench.Submit(EngineBench.Prompt(6), EngineBench.Greedy(12));

        Assert.Equal(StepOutcome.Blocked, bench.Drive());
        Assert.NotNull(fast.Stream.End);
        Assert.Equal(4, slow.AnswerLength);
        var runs = bench.Runner.Runs;
        bench.Step();
        Assert.Equal(runs, bench.Runner.Runs);

        var read = new List<uint>();
        for (var i = 0; i < 3; i++)
        {
            read.AddRange(EngineBench.Read(slow));
            bench.Drive();
        }

        read.AddRange(EngineBench.Read(slow));
        Assert.Equal(EngineBench.Expected(EngineBench.Prompt(5), EngineBench.Greedy(12)), read);
        bench.AssertEmpty();
    }

    [Fact]
    public void SlowReader_WhoReadsNothingForTooLong_Fails()
    {
        using var bench = new EngineBench();
        var slow = bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(12), streamTokensMax: 4);
        bench.Drive();
        bench.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(StepOutcome.Blocked, bench.Step());
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        bench.AssertEmpty();
        Assert.Equal(FailureReason.SlowReader, slow.Stream.End!.Failure);
        Assert.Equal(4, EngineBench.Read(slow).Length);
        bench.Log.AssertNoErrors();
    }

    [Fact]
    public void FailAll_WithSequencesEverywhere_EndsEachOnce()
    {
        using var bench = new EngineBench(runningMax: 2);
        var sequences = Enumerable.Range(0, 4).Select(i => bench.Submit(EngineBench.Prompt(5, (uint)i), EngineBench.Greedy(50))).ToList();
        bench.Step();
        sequences.Add(bench.Submit(EngineBench.Prompt(5), EngineBench.Greedy(5)));

        bench.Engine.FailAll(FailureReason.ShuttingDown, "bye");

        Assert.All(sequences, sequence => Assert.Equal(FailureReason.ShuttingDown, sequence.Stream.End!.Failure));
        bench.AssertEmpty();
    }

    [Fact]
    public void Timings_OfAWholeSequence_AddUp()
    {
        var bench = new EngineBench(stepTokensMax: 16, chunkTokens: 4);
        using (bench)
        {
            bench.Runner.BeforeRun = _ => bench.Time.Advance(TimeSpan.FromMilliseconds(10));
            var sequence = bench.Submit(EngineBench.Prompt(20), EngineBench.Greedy(3));
            bench.Time.Advance(TimeSpan.FromMilliseconds(5));
            bench.Drive();
            var timings = sequence.Stream.End!.Timings;
            Assert.Equal(
                (5.0, 20.0, 20.0),
                (timings.Queue.TotalMilliseconds, timings.Prefill.TotalMilliseconds, timings.Decode.TotalMilliseconds));
        }
    }
}
