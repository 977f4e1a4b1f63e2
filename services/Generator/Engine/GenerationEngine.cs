using System.Diagnostics;
using Parley.Generator.Admission;
using Parley.Generator.Execution;
using Parley.Generator.KvCache;
using Parley.Generator.Sampling;
using Parley.Generator.Scheduling;
using Parley.Generator.Sequences;
using Parley.Generator.Speculation;
using Parley.Generator.States;
using Parley.Generator.Streaming;

namespace Parley.Generator.Engine;

/// <summary>
/// The heart of the Generator. One thread calls <see cref="Step"/> over and over; a step is a transaction over the sequences in it.
/// </summary>
/// <remarks>
/// <code>
///   callers ──▶ AdmissionQueue ──▶ (4) admit   drop the dead, take what was accepted
///                                  (5) plan    every decode row + prompt chunks up to the token budget
///                                  (6) reserve KV blocks; preempt the youngest when the pool is short
///                                  (7) run     one model step over all rows
///                                  (8) sample  each row that reached its end
///   callers ◀── TokenStream ◀──── (9) emit    commit the blocks, hand out tokens and endings
/// </code>
/// When (7) throws, the reservation is released and the sequences of the step fail; nobody else notices. When what is done for one
/// sequence throws in any other step, that sequence fails and the step goes on. The numbers are those of the whole way of a request;
/// steps 1 to 3, 10 and 11 are the Gateway's and the Tokenizer's.
/// </remarks>
internal sealed class GenerationEngine : IDisposable
{
    private readonly IModelRunner _runner;
    private readonly EngineLimits _limits;
    private readonly AdmissionQueue _queue;
    private readonly TimeProvider _time;
    private readonly QuietLogger _logger;
    private readonly KvBlockPool _pool;
    private readonly Scheduler _scheduler;
    private readonly KvReservation _reservation;
    private readonly StepReservation _roomForStep;
    private readonly Speculator _speculator;
    private readonly Sampler _sampler;
    private readonly StepMasks _masks;
    private readonly TokenChoice _choice;
    private readonly StopConditions _stopConditions;
    private readonly StepBatch _batch;
    private readonly TokenDelivery _delivery;
    private readonly SequenceEndings _endings;
    private readonly PromptJudging _judging;
    private readonly StepGuesses? _guesses;
    private readonly StepPlan _plan = new();
    private readonly List<SequenceFault> _faults = [];
    private readonly List<Sequence> _scratch = [];
    private readonly Lock _snapshotLock = new();
    private EngineSnapshot _snapshot;
    private int _failuresInARow;
    private int _modelFaultsInARow;

    /// <param name="runner">The device; disposed with the engine.</param>
    /// <param name="eosTokenIds">The model's end-of-sequence ids.</param>
    /// <param name="limits">Sizes; buffers are made once from them.</param>
    /// <param name="queue">Where sequences come from.</param>
    /// <param name="time">The clock.</param>
    /// <param name="telemetry">Where each sequence's figures go.</param>
    /// <param name="logger">The log.</param>
    public GenerationEngine(
        IModelRunner runner, IReadOnlyCollection<uint> eosTokenIds, EngineLimits limits, AdmissionQueue queue, TimeProvider time,
        GeneratorTelemetry telemetry, ILogger logger)
    {
        _runner = runner;
        _limits = limits;
        _queue = queue;
        _time = time;
        _logger = new QuietLogger(logger);
        var states = runner.Shape.States is null ? null : new StatePool(
            runner.StateSlots, runner.BlockCount, runner.StateChecksum);
        if (states is not null)
            ArgumentOutOfRangeException.ThrowIfLessThan(runner.StateSlots, limits.RunningSequencesMax);
        _pool = new KvBlockPool(runner.BlockCount, runner.BlockTokens, limits.ContextTokensMax, limits.WindowOf(runner), states);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_pool.BlocksHeldFor(limits.ContextTokensMax), runner.BlockCount);
        var positions = new SequencePositions(runner.Shape.Positions);
        _speculator = new Speculator(
            limits.DraftTokensMax, limits.StepDraftTokensMax, limits.ContextTokensMax, runner.FreeTokens, positions,
            runner.Drafter is null ? 0 : limits.HeadDraftTokensMax);
        var policy = new DecodeFirstPolicy(limits.StepTokensMax, limits.PrefillChunkTokens);
        var sharing = new PromptSharing(_pool, TryCopyBlock);
        _scheduler = new Scheduler(
            policy, sharing, _speculator, _pool, queue, limits.RunningSequencesMax, limits.PriorityAging, time, _faults,
            positions, limits.StepPromptRowsMax);
        _reservation = new KvReservation(_pool);
        _roomForStep = new StepReservation(_scheduler, _pool, _reservation, limits.StateSnapshotTokens, _logger, _faults);
        _sampler = new Sampler(runner.Shape.VocabularySize, eosTokenIds);
        _delivery = new TokenDelivery(limits.RunningSequencesMax, _logger);
        _endings = new SequenceEndings(_scheduler, _delivery, telemetry, time, _logger);
        _judging = new PromptJudging(runner, _delivery, _endings);
        _masks = new StepMasks(limits.LogitRowsMax, _endings.Masked, time);
        _choice = new TokenChoice(runner, _sampler, _masks);
        _stopConditions = new StopConditions([.. eosTokenIds], limits.ContextTokensMax);
        _batch = new StepBatch(
            limits.StepTokensMax, limits.RunningSequencesMax, _pool.BlocksFor(limits.ContextTokensMax), limits.LogitRowsMax);
        if (runner.Drafter is { } drafter && limits is { DraftTokensMax: > 0, HeadDraftTokensMax: > 0 })
        {
            _guesses = new StepGuesses(
                drafter, _speculator, limits, runner.BlockTokens, _pool.BlocksFor(limits.ContextTokensMax), _logger);
        }

        Publish();
    }

    public IModelRunner Runner => _runner;

    public EngineLimits Limits => _limits;

    public EngineTotals Totals { get; private set; } = new();

    /// <summary>Why nothing is accepted any more; null while all is well.</summary>
    public string? UnhealthyReason { get; private set; }

    /// <summary>The state after the last step; from any thread.</summary>
    public EngineSnapshot Snapshot
    {
        get
        {
            lock (_snapshotLock)
                return _snapshot;
        }
    }

    /// <summary>Everything that must hold between two steps and does not; on the engine's thread.</summary>
    public IReadOnlyList<string> CheckInvariants() => EngineInvariants.Check(_scheduler, _pool, _limits);

    /// <summary>One turn of the engine.</summary>
    public StepOutcome Step()
    {
        // (4) admit: who is gone costs nothing from here on.
        _scheduler.Receive();
        DropDeadAndMarkPaused();
        var failed = EndFaulty();

        // (5) plan
        _scheduler.Plan(_plan);
        failed |= EndFaulty();

        // (6) reserve
        _roomForStep.Reserve(_plan, Totals);
        failed |= EndFaulty();
        var outcome = !_plan.IsEmpty ? RunPlanned() : failed ? StepOutcome.Failed : NothingToRun();
        _delivery.Post();
        Publish();
        AssertInvariants();
        return outcome;
    }

    /// <summary>Ends every sequence; on the engine's thread.</summary>
    public void FailAll(FailureReason reason, string message)
    {
        _scheduler.Receive();
        foreach (var sequence in CopyAll())
            _endings.Fail(sequence, reason, message);
        _delivery.Post();
        Publish();
    }

    /// <summary>Tells every caller that it is over, when the engine itself has thrown and its books cannot be trusted.</summary>
    public void Abandon(string message)
    {
        _scheduler.Receive();
        foreach (var sequence in CopyAll())
            _endings.Abandon(sequence, message);
        _delivery.Post();
    }

    /// <summary>Starts the totals anew, so that warming up does not count.</summary>
    public void ResetTotals()
    {
        Totals = new EngineTotals();
        Publish();
    }

    public void Dispose() => _runner.Dispose();

    private StepOutcome RunPlanned()
    {
        ReadOnlyMemory<float> logits;
        var (started, promptTokens) = (_time.GetTimestamp(), Totals.PromptTokens);
        try
        {
            // (7) run
            PackBatch();
            if (_plan.IsEmpty)
                return StepOutcome.Failed;
            _masks.Begin(_plan);
            logits = _runner.Run(_batch);
        }
        catch (Exception exception)
        {
            _reservation.Release();
            return FailStep(exception);
        }
        finally
        {
            _masks.Wait();
        }

        _failuresInARow = 0;
        Totals.Steps++;
        CountPromptTokens();
        var elapsed = _time.GetElapsedTime(started);
        _queue.Rate.Observe(Totals.PromptTokens - promptTokens, elapsed);
        _endings.Stepped(_plan, elapsed);
        _reservation.Commit(_faults);

        // (8) sample and (9) emit, row by row
        var (logitsRow, tokensBefore) = (0, Totals.CompletionTokens);
        var isFaulty = false;
        foreach (var row in _plan.Rows)
        {
            var rows = row.LogitRows;
            if (rows > 0)
            {
                var part = logits.Span.Slice(_sampler.VocabularySize * logitsRow, _sampler.VocabularySize * rows);
                // Numbers that are none by an adapter's doing say nothing of the model.
                isFaulty |= SampleOrFail(row, part, logitsRow) == FailureReason.ModelFault && row.Sequence.Adapter is null;
            }

            logitsRow += rows;
        }

        _guesses?.Run(_plan, _batch);
        EndFaulty();

        // A model that has numbers for nobody, step after step, is broken and not unlucky.
        if (Totals.CompletionTokens > tokensBefore)
            _modelFaultsInARow = 0;
        else if (isFaulty && ++_modelFaultsInARow >= _limits.ModelFaultsMax)
            return BecomeUnhealthy($"The model gave no numbers in {_modelFaultsInARow} steps in a row.");
        return StepOutcome.Completed;
    }

    /// <summary>Samples a row; what that throws ends the row's own sequence.</summary>
    /// <returns>Why it failed, or null.</returns>
    private FailureReason? SampleOrFail(StepRow row, ReadOnlySpan<float> logits, int logitsRow)
    {
        try
        {
            SampleRows(row, logits, logitsRow);
            return null;
        }
        catch (SamplingException exception)
        {
            _endings.Fail(row.Sequence, exception);
            return exception.Reason;
        }
        catch (Exception exception)
        {
            _endings.Fail(new SequenceFault(row.Sequence, exception));
            return FailureReason.Internal;
        }
    }

    /// <summary>
    /// Samples row by row for as long as the draft is right: the row behind a drafted token says something only when that token is the
    /// one that was sampled. Of a wrong token nothing stays: its place in the cache is written again.
    /// </summary>
    private void SampleRows(StepRow row, ReadOnlySpan<float> logits, int logitsRow)
    {
        if (!_judging.Judge(row, logits, logitsRow))
            return;
        var (sequence, accepted) = (row.Sequence, row.PromptRows);
        while (SampleAndEmit(
            sequence, logits.Slice(_sampler.VocabularySize * accepted, _sampler.VocabularySize), logitsRow + accepted))
        {
            accepted++;
            if (sequence.Status != SequenceStatus.Ended)
                sequence.CachedLength++;
            else
                break;
        }

        if (row.DraftTokens == 0)
            return;
        Totals.DraftTokens += row.DraftTokens;
        Totals.AcceptedTokens += accepted;
        if (sequence.DraftOrigin == DraftOrigin.Head)
        {
            Totals.HeadDraftTokens += row.DraftTokens;
            Totals.HeadAcceptedTokens += accepted;
        }

        _speculator.Verified(sequence, row.DraftTokens, accepted);
        if (sequence.Status != SequenceStatus.Ended)
            _reservation.CommitDraft(sequence);
    }

    /// <returns>True when a draft had guessed the token.</returns>
    private bool SampleAndEmit(Sequence sequence, ReadOnlySpan<float> logits, int logitsRow)
    {
        var id = _choice.Choose(sequence, logits, logitsRow, out var detail);
        if (sequence.FirstTokenAt == 0)
            _endings.FirstToken(sequence);
        var wasDrafted = sequence.AppendDrafted(id);
        Totals.CompletionTokens++;
        if (sequence.Stream.Write(new StreamedToken(id, detail)))
            _delivery.Add(sequence.Stream);
        if (_stopConditions.Check(sequence) is { } reason)
            _endings.Finish(sequence, reason, reason is FinishReason.Eos or FinishReason.StopToken ? id : null);
        else
            TokenChoice.Follow(sequence, id);

        return wasDrafted;
    }

    private void DropDeadAndMarkPaused()
    {
        foreach (var sequence in CopyAll())
        {
            try
            {
                DropIfDead(sequence);
                MarkIfPaused(sequence);
            }
            catch (Exception exception)
            {
                _faults.Add(new SequenceFault(sequence, exception));
            }
        }
    }

    private void DropIfDead(Sequence sequence)
    {
        var now = _time.GetTimestamp();
        // At its deadline a call is also cancelled; the deadline is the reason then.
        if (now >= sequence.Deadline)
            _endings.Fail(sequence, FailureReason.DeadlineExceeded, "The deadline passed.", retryable: false);
        else if (sequence.IsCancelled)
            _endings.Fail(sequence, FailureReason.Cancelled, "The call was cancelled.");
        else if (sequence.PausedAt != 0 && _time.GetElapsedTime(sequence.PausedAt, now) >= _limits.SlowReaderMax)
            _endings.Fail(sequence, FailureReason.SlowReader, "The tokens were not read in time.", retryable: false);
    }

    /// <summary>A sequence whose stream is full takes no part until its reader has made room.</summary>
    private void MarkIfPaused(Sequence sequence)
    {
        if (!sequence.Stream.IsFull)
            sequence.PausedAt = 0;
        else if (sequence.PausedAt == 0)
            sequence.PausedAt = _time.GetTimestamp();
    }

    /// <summary>Packs all rows that can be packed; the others leave the plan, and it begins anew.</summary>
    private void PackBatch()
    {
        var width = 1;
        foreach (var row in _plan.Rows)
            width = Math.Max(width, row.Sequence.Blocks.Count);
        _batch.Clear(width);
        for (var i = 0; i < _plan.Rows.Length; i++)
        {
            if (TryPack(_plan.Rows[i]))
                continue;
            EndFaulty();
            _batch.Clear(width);
            i = -1;
        }
    }

    private bool TryPack(StepRow row)
    {
        var (sequence, past) = (row.Sequence, row.Sequence.CachedLength);
        try
        {
            var ids = sequence.TokensAndDraft.Slice(past, row.NewTokens + row.DraftTokens);
            _batch.Add(ids, past, sequence.Blocks.Blocks, row.LogitRows, Sampler.LogitBest(sequence), sequence.RotaryLength);
            _batch.SetAdapter(sequence.Adapter?.Weights);
            if (_pool.States is null)
                return true;
            _batch.SetStateIn(sequence.States.Slot);
            foreach (var saved in sequence.States.Saved)
                _batch.SetStateOut(saved.Length - past - 1, saved.Slot);
            return true;
        }
        catch (Exception exception)
        {
            _faults.Add(new SequenceFault(sequence, exception));
            return false;
        }
    }

    /// <summary>Ends the sequences whose own part of this step threw, and takes them out of it.</summary>
    /// <returns>True when there were any.</returns>
    private bool EndFaulty()
    {
        if (_faults.Count == 0)
            return false;
        foreach (var fault in _faults)
        {
            _reservation.Forget(fault.Sequence);
            _plan.Remove(fault.Sequence);
            _endings.Fail(fault);
        }

        _faults.Clear();
        return true;
    }

    /// <summary>Sharing a block spares work and is no condition for it: a device that cannot copy will say so in its next step.</summary>
    private bool TryCopyBlock(int source, int destination)
    {
        try
        {
            _runner.CopyBlock(source, destination);
            return true;
        }
        catch (Exception exception)
        {
            Log.CopyFailed(_logger, exception);
            return false;
        }
    }

    private StepOutcome FailStep(Exception exception)
    {
        Log.StepFailed(_logger, _plan.Rows.Length, _plan.TokenCount, exception);
        foreach (var row in _plan.Rows)
            _endings.Fail(row.Sequence, FailureReason.StepFailed, "A step of the model failed; the service's log has the cause.");
        return ++_failuresInARow < _limits.StepFailuresMax
            ? StepOutcome.Failed : BecomeUnhealthy($"{_failuresInARow} steps in a row failed.");
    }

    private StepOutcome BecomeUnhealthy(string reason)
    {
        UnhealthyReason = reason;
        _queue.MarkUnhealthy();
        Log.Unhealthy(_logger, reason);
        FailAll(FailureReason.Unhealthy, "The service is unhealthy.");
        return StepOutcome.Unhealthy;
    }

    private StepOutcome NothingToRun() => _scheduler.Running.Count + _scheduler.Waiting.Count == 0 ? StepOutcome.Idle : StepOutcome.Blocked;

    /// <summary>Tokens read again after a preemption do not count again.</summary>
    private void CountPromptTokens()
    {
        foreach (var (sequence, newTokens, _, _) in _plan.Rows)
        {
            var done = Math.Min(sequence.CachedLength + newTokens, sequence.PromptLength);
            Totals.PromptTokens += Math.Max(0, done - sequence.PromptTokensDone);
            Totals.CachedTokens += sequence.PrefixTokens - sequence.PrefixTokensCounted;
            sequence.PrefixTokensCounted = sequence.PrefixTokens;
            sequence.PromptTokensDone = Math.Max(sequence.PromptTokensDone, done);
        }
    }

    /// <summary>All sequences in a list of its own, so that ending one does not disturb the loop.</summary>
    private List<Sequence> CopyAll()
    {
        _scratch.Clear();
        _scratch.AddRange(_scheduler.Running);
        _scratch.AddRange(_scheduler.Waiting);
        return _scratch;
    }

    private void Publish()
    {
        var snapshot = new EngineSnapshot(
            _scheduler.Running.Count, _scheduler.Waiting.Count, _pool.UsedCount, _pool.BlockCount, Totals.Steps, Totals.PromptTokens,
            Totals.CompletionTokens, Totals.CachedTokens, Totals.Preemptions, Totals.DraftTokens, Totals.AcceptedTokens)
        {
            HeadDraftTokens = Totals.HeadDraftTokens,
            HeadAcceptedTokens = Totals.HeadAcceptedTokens,
            StateSlots = _pool.States?.SlotCount ?? 0,
            StateSlotsUsed = _pool.States is { } states ? states.SlotCount - states.FreeCount : 0,
            StateSnapshots = _pool.States?.SnapshotCount ?? 0,
            StateSnapshotsTaken = _pool.States?.SnapshotsTaken ?? 0,
            StateSnapshotsEvicted = _pool.States?.SnapshotsEvicted ?? 0,
            StateSnapshotsBroken = _pool.States?.SnapshotsBroken ?? 0,
        };
        lock (_snapshotLock)
            _snapshot = snapshot;
    }

    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        if (CheckInvariants() is { Count: > 0 } violations)
            throw new InvalidOperationException("The engine is inconsistent:\n" + string.Join("\n", violations));
    }
}
