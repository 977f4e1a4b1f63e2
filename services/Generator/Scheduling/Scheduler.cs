using Parley.Generator.Admission;
using Parley.Generator.KvCache;
using Parley.Generator.Sequences;
using Parley.Generator.Speculation;

namespace Parley.Generator.Scheduling;

/// <summary>
/// Owns the sequences that wait and those that run. Waiting ones are served by priority, which rises with the time waited, then
/// in the order of arrival; nobody overtakes the first, so nobody starves.
/// </summary>
/// <remarks>What is done for one sequence and throws makes a fault of that sequence, which takes no part; the rest is planned.</remarks>
internal sealed class Scheduler(
    ISchedulingPolicy policy, PromptSharing sharing, Speculator speculator, KvBlockPool pool, AdmissionQueue queue, int runningMax,
    TimeSpan agingInterval, TimeProvider time, List<SequenceFault> faults, SequencePositions? positions = null,
    int promptRowsMax = int.MaxValue)
{
    private readonly SequencePositions _positions = positions ?? SequencePositions.Plain;
    private readonly List<Sequence> _waiting = [];
    private readonly List<Sequence> _running = [];
    private readonly SequenceDemand[] _demands = new SequenceDemand[runningMax];
    private readonly int[] _grants = new int[runningMax];
    private Comparison<Sequence>? _inOrderOfService;
    private long _now;

    /// <summary>In the order of service, as of the last plan; newcomers behind.</summary>
    public IReadOnlyList<Sequence> Waiting => _waiting;

    /// <summary>In the order of arrival.</summary>
    public IReadOnlyList<Sequence> Running => _running;

    /// <summary>Takes what was accepted since the last step.</summary>
    public void Receive() => queue.Receive(_waiting);

    /// <summary>Fills the plan of the next step: rows of those that run, then of those for which there is room.</summary>
    public void Plan(StepPlan plan)
    {
        plan.Clear();
        var promptRows = 0;
        for (var i = 0; i < _running.Count; i++)
        {
            var sequence = _running[i];
            if (_positions.HasOutgrown(sequence))
                Restart(sequence);
            var takesPart = sequence.PausedAt == 0 && !MustWait(sequence);
            var pending = takesPart ? sequence.TokensWithin(promptRowsMax - promptRows) : 0;
            promptRows += sequence.PromptRows(pending);
            _demands[i] = new SequenceDemand(pending, sequence.IsDecoding);
        }

        policy.Share(_demands.AsSpan(0, _running.Count), _grants);
        var (decoding, promptTokens) = (0, 0);
        for (var i = 0; i < _running.Count; i++)
        {
            if (_grants[i] == 0)
                continue;
            Add(plan, _running[i], _grants[i]);
            if (_demands[i].IsDecoding)
                decoding++;
            else
                promptTokens += _grants[i];
        }

        SortWaiting();
        var left = StartWaiting(plan, policy.PromptTokensMax(decoding) - promptTokens);
        // Rows of logits for prompts are those that drafts have otherwise.
        speculator.Draft(plan, Math.Min(left, promptRowsMax - plan.PromptRows), faults);
        for (var i = 0; i < _waiting.Count; i++)
            _waiting[i].QueuePosition = i + 1;
    }

    /// <summary>
    /// Who gives its blocks up for a sequence that needs one: of those that hold any, the one that arrived last, since it loses the
    /// least by starting again; the sequence itself when all others came before it.
    /// </summary>
    public Sequence VictimFor(Sequence sequence)
    {
        var index = _running.Count - 1;
        while (_running[index] != sequence && _running[index].Blocks.Count == 0)
            index--;
        return _running[index];
    }

    /// <summary>Takes a running sequence's blocks; it waits to be computed again from its tokens.</summary>
    public void Preempt(Sequence sequence)
    {
        _running.Remove(sequence);
        sequence.Trace?.Preempted(time.GetTimestamp());
        pool.ReleaseAll(sequence.Blocks, sequence.States);
        sequence.CachedLength = 0;
        sequence.SharedLength = 0;
        sequence.DropDraft();
        sequence.DropGuesses();
        sequence.Status = SequenceStatus.Preempted;
        _waiting.Add(sequence);
    }

    /// <summary>Lets a running sequence begin anew where it stands: its tokens turn otherwise from now on.</summary>
    private void Restart(Sequence sequence)
    {
        pool.ReleaseAll(sequence.Blocks, sequence.States);
        sequence.CachedLength = 0;
        sequence.SharedLength = 0;
        sequence.DropDraft();
        sequence.DropGuesses();
        _positions.Settle(sequence);
    }

    /// <summary>What a sequence has in the cache may be broken: it is not shared any more, its prompt's part included.</summary>
    public void Distrust(Sequence sequence) => pool.Forget(sequence.Blocks, sequence.States);

    /// <summary>Takes a sequence out for good, with its blocks.</summary>
    public void Remove(Sequence sequence)
    {
        if (sequence.Status == SequenceStatus.Running)
            _running.Remove(sequence);
        else
            _waiting.Remove(sequence);
        if (sequence.Status == SequenceStatus.Queued)
            queue.Leave(sequence);
        pool.ReleaseAll(sequence.Blocks, sequence.States);
        sequence.Status = SequenceStatus.Ended;
    }

    /// <returns>Tokens left.</returns>
    private int StartWaiting(StepPlan plan, int tokensLeft)
    {
        for (var i = 0; i < _waiting.Count && _running.Count < runningMax;)
        {
            var sequence = _waiting[i];
            if (sequence.PausedAt != 0)
            {
                // Preempted with a full stream: it wants nothing until its reader does.
                i++;
                continue;
            }

            try
            {
                // Its last token is computed in any case: its logits are wanted.
                var reusable = sequence.Reusable;
                _positions.Settle(sequence);
                var cached = pool.CountCached(reusable, out var cachedFree, sequence.Blocks.Root);
                var shared = Math.Max(cached, sharing.CommonLengthMax(sequence, _running) / pool.BlockTokens);
                var needed = Math.Min(
                    pool.BlocksFor(sequence.Length) - shared + cachedFree, pool.BlocksHeldFor(sequence.Length) + cachedFree);

                // One more block for each that runs and grows, or the newcomer would soon be preempted by their growth.
                if (needed + CountGrowing() + CountOutstanding() > pool.FreeCount)
                    return tokensLeft;
                Start(sequence, reusable);
            }
            catch (Exception exception)
            {
                _waiting.Remove(sequence);
                faults.Add(new SequenceFault(sequence, exception));
                continue;
            }

            if (MustWait(sequence))
                continue;
            var newTokens = Math.Min(sequence.TokensWithin(promptRowsMax - plan.PromptRows), tokensLeft);
            if (newTokens == 0)
                continue;
            Add(plan, sequence, newTokens);
            tokensLeft -= newTokens;
        }

        return tokensLeft;
    }

    /// <summary>Whether a sequence leaves its tokens to another, or can take no part at all.</summary>
    private bool MustWait(Sequence sequence)
    {
        try
        {
            return sharing.MustWait(sequence, _running);
        }
        catch (Exception exception)
        {
            faults.Add(new SequenceFault(sequence, exception));
            return true;
        }
    }

    /// <summary>Running sequences that a longer answer will cost a block more than their tokens take now.</summary>
    private int CountGrowing()
    {
        var count = 0;
        foreach (var sequence in _running)
        {
            if (Math.Max(sequence.Blocks.Count, pool.BlocksFor(sequence.Length - 1)) < pool.BlocksPerSequenceMax)
                count++;
        }

        return count;
    }

    /// <summary>Blocks that the running sequences will still take for the tokens they have already.</summary>
    private int CountOutstanding()
    {
        var blocks = 0;
        foreach (var sequence in _running)
        {
            var held = Math.Max(sequence.Blocks.Count, sequence.SharedLength / pool.BlockTokens);
            var toCome = Math.Max(0, pool.BlocksFor(sequence.Length - 1) - held);
            blocks += Math.Min(toCome, Math.Max(0, pool.BlocksHeldFor(sequence.Length) - sequence.Blocks.Held.Length));
        }

        return blocks;
    }

    private static void Add(StepPlan plan, Sequence sequence, int newTokens)
    {
        if (sequence.Stream.CachedTokens is null)
            sequence.Stream.Begin(sequence.PrefixTokens);
        plan.Add(sequence, newTokens);
    }

    private void Start(Sequence sequence, ReadOnlySpan<uint> reusable)
    {
        _waiting.Remove(sequence);
        sequence.TakeCached(pool.ShareCached(sequence.Blocks, reusable, sequence.States));
        pool.ReleaseBehindWindow(sequence.Blocks, sequence.CachedLength);
        if (sequence.Status == SequenceStatus.Queued)
        {
            sequence.StartedAt = time.GetTimestamp();
            speculator.Begin(sequence);
            queue.Leave(sequence);
        }

        sequence.Status = SequenceStatus.Running;
        sequence.QueuePosition = 0;
        var index = _running.Count;
        while (index > 0 && _running[index - 1].Order > sequence.Order)
            index--;
        _running.Insert(index, sequence);
    }

    private void SortWaiting()
    {
        if (_waiting.Count < 2)
            return;
        _now = time.GetTimestamp();
        _waiting.Sort(_inOrderOfService ??= CompareService);
    }

    private int CompareService(Sequence one, Sequence other)
    {
        var byClass = Class(other, _now).CompareTo(Class(one, _now));
        return byClass != 0 ? byClass : one.Order.CompareTo(other.Order);
    }

    /// <summary>One that was served before and lost its blocks comes before all that never were: its caller has seen tokens.</summary>
    private long Class(Sequence sequence, long now) => sequence.Status == SequenceStatus.Preempted
        ? long.MaxValue
        : sequence.Parameters.Priority + (time.GetElapsedTime(sequence.AcceptedAt, now).Ticks / agingInterval.Ticks);
}
