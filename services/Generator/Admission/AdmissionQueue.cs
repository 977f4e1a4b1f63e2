using Parley.Generator.Sequences;

namespace Parley.Generator.Admission;

/// <summary>
/// The engine's inbox: bounded by requests and by prompt tokens, filled by callers on any thread, emptied by the engine once per step.
/// A sequence counts from its acceptance until it first runs or ends, so that the bounds hold for all that waits, in here or
/// with the scheduler.
/// </summary>
internal sealed class AdmissionQueue(int requestsMax, int promptTokensMax, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Queue<Sequence> _inbox = new();
    private Action _posted = static () => { };
    private long _lastOrder;
    private int _requests;
    private int _promptTokens;
    private volatile AdmissionResult _refusal;

    /// <summary>Requests that wait.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Prompt tokens of the requests that wait.</summary>
    public int PromptTokens => Volatile.Read(ref _promptTokens);

    /// <summary>How fast what waits is worked off.</summary>
    public PrefillRate Rate { get; } = new();

    /// <summary>Time that the prompts which wait take at the very least.</summary>
    public TimeSpan LeastWait => PrefillRate.LeastWait(PromptTokens, Rate.TokensPerSecond);

    public bool IsDraining => _refusal == AdmissionResult.Draining;

    /// <summary>Sets what is called, on the caller's thread, after something was posted.</summary>
    public void OnPosted(Action posted) => Volatile.Write(ref _posted, posted);

    /// <summary>Wakes the engine: something that it should look at has changed.</summary>
    public void Wake() => Volatile.Read(ref _posted)();

    /// <summary>Queues a sequence. One alone is accepted whatever its length: it delays nobody.</summary>
    public AdmissionResult TryEnqueue(Sequence sequence)
    {
        lock (_lock)
        {
            if (_refusal != AdmissionResult.Accepted)
                return _refusal;
            if (_requests >= requestsMax || (_requests > 0 && sequence.PromptLength > promptTokensMax - _promptTokens))
                return AdmissionResult.Overloaded;
            if (IsTooLate(sequence))
                return AdmissionResult.TooLate;
            _requests++;
            _promptTokens += sequence.PromptLength;
            sequence.Order = ++_lastOrder;
            sequence.AcceptedAt = time.GetTimestamp();
            sequence.QueuePosition = _requests;
            _inbox.Enqueue(sequence);
        }

        Wake();
        return AdmissionResult.Accepted;
    }

    /// <summary>The engine's side: moves all that was posted.</summary>
    public void Receive(List<Sequence> sequences)
    {
        if (Volatile.Read(ref _requests) == 0)
            return;
        lock (_lock)
        {
            while (_inbox.TryDequeue(out var sequence))
                sequences.Add(sequence);
        }
    }

    /// <summary>The engine's side: a sequence waits no more, because it runs or has ended.</summary>
    public void Leave(Sequence sequence)
    {
        lock (_lock)
        {
            _requests--;
            _promptTokens -= sequence.PromptLength;
        }
    }

    /// <summary>From now on nothing is accepted; what was, is served.</summary>
    public void Drain() => Refuse(AdmissionResult.Draining);

    /// <summary>From now on nothing is accepted.</summary>
    public void MarkUnhealthy() => Refuse(AdmissionResult.Unhealthy);

    /// <summary>
    /// Only what is surely too late: the sequence's own prompt may be in the cache, and one of a higher class overtakes those before it.
    /// </summary>
    private bool IsTooLate(Sequence sequence) =>
        sequence.Deadline != long.MaxValue
        && sequence.Parameters.Priority <= 0
        && time.GetElapsedTime(time.GetTimestamp(), sequence.Deadline) < LeastWait;

    /// <summary>Once unhealthy, always unhealthy: what broke does not mend by being shut down.</summary>
    private void Refuse(AdmissionResult refusal)
    {
        lock (_lock)
            _refusal = _refusal == AdmissionResult.Unhealthy ? AdmissionResult.Unhealthy : refusal;
        Wake();
    }
}
