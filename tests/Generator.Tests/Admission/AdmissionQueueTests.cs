using Parley.Generator.Admission;
using Parley.Generator.Tests.Doubles;

namespace Parley.Generator.Tests.Admission;

public sealed class AdmissionQueueTests
{
    [Fact]
    public void TryEnqueue_BeyondTheRequests_IsOverloadedUntilOneRuns()
    {
        using var bench = new EngineBench(queuedMax: 2, runningMax: 1);
        bench.Submit([1], EngineBench.Greedy(2));
        bench.Submit([2], EngineBench.Greedy(2));
        Assert.Equal(AdmissionResult.Overloaded, bench.Queue.TryEnqueue(bench.Make([3], EngineBench.Greedy(2))));
        bench.Step();
        Assert.Equal(AdmissionResult.Accepted, bench.Queue.TryEnqueue(bench.Make([3], EngineBench.Greedy(2))));
        bench.Drive();
        bench.AssertEmpty();
    }

    [Fact]
    public void TryEnqueue_BeyondThePromptTokens_IsOverloadedButForTheFirst()
    {
        using var bench = new EngineBench(queuedTokensMax: 10, runningMax: 1);
        bench.Submit(EngineBench.Prompt(30), EngineBench.Greedy(2));
        Assert.Equal(AdmissionResult.Overloaded, bench.Queue.TryEnqueue(bench.Make([1], EngineBench.Greedy(2))));
        bench.Step();
        bench.Submit(EngineBench.Prompt(6), EngineBench.Greedy(2));
        Assert.Equal(AdmissionResult.Overloaded, bench.Queue.TryEnqueue(bench.Make(EngineBench.Prompt(5), EngineBench.Greedy(2))));
        bench.Submit(EngineBench.Prompt(4), EngineBench.Greedy(2));
        bench.Drive();
        bench.AssertEmpty();
    }

    [Fact]
    public void Drain_WithAcceptedSequences_ServesThemAndRefusesNewOnes()
    {
        using var bench = new EngineBench();
        var accepted = bench.Submit([1], EngineBench.Greedy(3));
        bench.Queue.Drain();
        Assert.Equal(AdmissionResult.Draining, bench.Queue.TryEnqueue(bench.Make([2], EngineBench.Greedy(3))));
        bench.Drive();
        Assert.Equal(3, EngineBench.Read(accepted).Length);
    }
}
