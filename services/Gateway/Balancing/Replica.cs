namespace Parley.Gateway.Balancing;

/// <summary>One of several equal services, as the picker sees it. Safe for many threads.</summary>
/// <param name="address">Where it answers.</param>
/// <param name="breaker">Keeps requests away while it fails.</param>
internal class Replica(Uri address, CircuitBreaker breaker)
{
    /// <summary>
    /// What a running sequence counts beside tokens of prompts that wait: a step with it takes about as long as so many tokens of a prompt.
    /// </summary>
    private const int TokensOfASequence = 32;

    private int _streams;
    private int _waitingTokens;
    private ReplicaLoad? _told;

    public Uri Address => address;

    public CircuitBreaker Breaker => breaker;

    /// <summary>Requests of this Gateway that it works on.</summary>
    public int Streams => Volatile.Read(ref _streams);

    /// <summary>What it last told of itself; null where nothing is known.</summary>
    public ReplicaLoad? Told => Volatile.Read(ref _told);

    /// <summary>Discovery no longer names it: it finishes what it has.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>Whether requests may be sent to it.</summary>
    public bool IsOpen => !IsLeaving && Told is not { IsClosed: true } && breaker.IsClosed;

    /// <summary>
    /// The work before a new request, in tokens of prompts: what it told, which has the requests of other Gateways in it, or what this
    /// Gateway has sent where that is more.
    /// </summary>
    public long Work
    {
        get
        {
            var own = ((long)Streams * TokensOfASequence) + Volatile.Read(ref _waitingTokens);
            return Told is not { } told
                ? own
                : Math.Max(own, ((long)(told.RunningSequences + told.QueuedRequests) * TokensOfASequence) + told.QueuedPromptTokens);
        }
    }

    /// <summary>It has told its load.</summary>
    public void Tell(ReplicaLoad? load) => Volatile.Write(ref _told, load);

    /// <summary>A request goes to it; the work counts until the lease is disposed.</summary>
    /// <param name="promptTokens">Tokens that it has to compute before it answers.</param>
    public ReplicaLease Begin(int promptTokens)
    {
        breaker.Begin();
        Interlocked.Increment(ref _streams);
        Interlocked.Add(ref _waitingTokens, promptTokens);
        return new ReplicaLease(this, promptTokens);
    }

    internal void Answers(int promptTokens) => Interlocked.Add(ref _waitingTokens, -promptTokens);

    internal void End() => Interlocked.Decrement(ref _streams);
}
