using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Balancing;

namespace Parley.Gateway.Tests.Balancing;

public sealed class ReplicaPickerTests
{
    private readonly PrefixMemory<Replica> _memory = new(100);
    private readonly Queue<int> _draws = [];
    private readonly ReplicaPicker<Replica> _picker;

    public ReplicaPickerTests() => _picker = new ReplicaPicker<Replica>(_memory, 2, _ => _draws.Count > 0 ? _draws.Dequeue() : 0);

    [Fact]
    public void Pick_OfTwoDrawn_IsTheLessBusy()
    {
        var replicas = Replicas(3);
        replicas[0].Tell(new ReplicaLoad(0, 5000, 1, 0));
        replicas[1].Tell(new ReplicaLoad(0, 10, 1, 0));
        replicas[2].Tell(new ReplicaLoad(0, 0, 0, 0));

        // The second draw leaves the first out: 0 and then 0 is the pair of 0 and 1.
        _draws.Enqueue(0);
        _draws.Enqueue(0);
        Assert.Same(replicas[1], Pick(replicas));
        _draws.Enqueue(1);
        _draws.Enqueue(1);
        Assert.Same(replicas[2], Pick(replicas));
    }

    [Fact]
    public void Pick_APrefixIsKnown_GoesThereUnlessItIsTooBusy()
    {
        var replicas = Replicas(2);
        var ids = Enumerable.Range(0, 40).Select(id => (uint)id).ToList();
        var blocks = PromptBlocks.Hash(ids, 4, 100);
        _memory.Learn(blocks.AsSpan(0, 6), replicas[1]);

        // 24 tokens are known: twice that much more work than the other's is borne.
        replicas[1].Tell(new ReplicaLoad(0, 48, 0, 0));
        Assert.Same(replicas[1], Pick(replicas, blocks));
        replicas[1].Tell(new ReplicaLoad(0, 49, 0, 0));
        Assert.Same(replicas[0], Pick(replicas, blocks));
        replicas[0].Tell(new ReplicaLoad(0, 1, 0, 0));
        Assert.Same(replicas[1], Pick(replicas, blocks));
    }

    [Fact]
    public void Pick_ClosedLeavingOrOpenBreaker_IsLeftOut()
    {
        var replicas = Replicas(4);
        replicas[0].Tell(new ReplicaLoad(0, 0, 0, 0) { IsClosed = true });
        replicas[1].IsLeaving = true;
        replicas[2].Breaker.Fail();
        replicas[3].Tell(new ReplicaLoad(100, 100_000, 100, 1));

        Assert.Same(replicas[3], Pick(replicas));
        // Trying one that has failed is better than refusing; what takes nothing is not tried.
        Assert.Same(replicas[2], _picker.Pick(replicas, [], 4, replica => replica != replicas[3]));
        Assert.Null(_picker.Pick(replicas, [], 4, replica => replica == replicas[0] || replica == replicas[1]));
    }

    [Fact]
    public void Work_OfOwnRequests_CountsUntilTheyAnswerAndEnd()
    {
        var replica = Replicas(1)[0];
        var lease = replica.Begin(500);
        Assert.Equal((1, 532), (replica.Streams, replica.Work));
        lease.Answers();
        Assert.Equal(32, replica.Work);
        // What it tells has the requests of all Gateways in it.
        replica.Tell(new ReplicaLoad(1, 100, 3, 0));
        Assert.Equal(228, replica.Work);
        lease.Dispose();
        lease.Dispose();
        replica.Tell(null);
        Assert.Equal((0, 0), (replica.Streams, replica.Work));
    }

    private static List<Replica> Replicas(int count) => [.. Enumerable.Range(0, count).Select(index => new Replica(
        new Uri($"http://replica-{index}"),
        new CircuitBreaker(1, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), new FakeTimeProvider())))];

    private Replica? Pick(List<Replica> replicas, ulong[]? blocks = null) => _picker.Pick(replicas, blocks ?? [], 4, _ => true);
}
