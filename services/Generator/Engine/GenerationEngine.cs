using System.Diagnostics;
using Parley.Generator.Admission;
using Parley.Generator.Execution;
using Parley.Generator.KvCache;
using Parley.Generator.Sampling;
using Parley.Generator.Scheduling;
using Parley.Generator.Sequences;
using Parley.Generator.Speculation;
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
/// When (7) throws, the reservation is released and the sequences of the step fail; nobody else notices. The numbers are those of the
/// whole way of a request; steps 1 to 3, 10 and 11 are the Gateway's and the Tokenizer's.
/// </remarks>
internal sealed class GenerationEngine : IDisposable
{
    private readonly IModelRunner _runner;
    private readonly ICandidateRunner? _candidates;
    private readonly EngineLimits _limits;
    private readonly AdmissionQueue _queue;
    private readonly TimeProvider _time;
    private readonly GeneratorTelemetry _telemetry;
    private readonly ILogger _logger;
    private readonly KvBlockPool _pool;
    private readonly Scheduler _scheduler;
    private readonly KvReservation _reservation;
    private readonly Speculator _speculator;
    private readonly Sampler _sampler;
    private readonly StopConditions _stopConditions;
    private readonly StepBatch _batch;
    private readonly TokenDelivery _delivery;
    private readonly StepPlan _plan = new();
    private readonly List<Sequence> _scratch = [];
    private readonly Lock _snapshotLock = new();
    private EngineSnapshot _snapshot;
    private int _failuresInARow;

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
        _candidates = runner as ICandidateRunner;
        _limits = limits;
        _queue = queue;
        _time = time;
        _telemetry = telemetry;
        _logger = logger;
        _pool = new KvBlockPool(runner.BlockCount, runner.BlockTokens, limits.ContextTokensMax);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_pool.BlocksFor(limits.ContextTokensMax), runner.BlockCount);
        _speculator = new Speculator(limits.DraftTokensMax, limits.StepDraftTokensMax, limits.ContextTokensMax, runner.FreeTokens);
        var policy = new DecodeFirstPolicy(limits.StepTokensMax, limits.PrefillChunkTokens);
        var sharing = new PromptSharing(_pool, TryCopyBlock);
        _scheduler = new Scheduler(
            policy, sharing, _speculator, _pool, queue, limits.RunningSequencesMax, limits.PriorityAging, time);
        _reservation = new KvReservation(_pool);
        _sampler = new Sampler(runner.Shape.VocabularySize, eosTokenIds);
        _delivery = new TokenDelivery(limits.RunningSequencesMax);
        _stopConditions = new StopConditions([.. eosTokenIds], limits.ContextTokensMax);
        _batch = new StepBatch(
            limits.StepTokensMax, limits.RunningSequencesMax, _pool.BlocksFor(limits.ContextTokensMax), limits.LogitRowsMax);
        Publish();
    }

    public IModelRunner Runner => _runner;

    public EngineLimits Limits => _limits;

    public EngineTotals Totals { get; private set; } = new();

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
        DropDead();

        // (5) plan
        MarkPaused();
        _scheduler.Plan(_plan);

        // (6) reserve
        ReserveBlocks();
        var outcome = _plan.IsEmpty ? NothingToRun() : RunPlanned();
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
            Fail(sequence, reason, message);
        _delivery.Post();
        Publish();
    }

    /// <summary>Starts the totals anew, so that warming up does not count.</summary>
    public void ResetTotals()
    {
        Totals = new EngineTotals();
        Publish();
    }

    /// <summary>Chooses a token from logits as for a chat, and forgets it: before the first caller waits for it.</summary>
    /// <param name="logits">A row of the model's logits.</param>
    /// <exception cref="InvalidDataException">They are not numbers: the model is broken.</exception>
    public void RehearseSampling(ReadOnlySpan<float> logits)
    {
        var chat = new SamplingParameters
        {
            Sample = true,
            Temperature = 0.7f,
            TopK = 50,
            TopP = 0.95f,
            MinP = 0.01f,
            RepetitionPenalty = 1.1f,
            MaxTokens = 1,
        };
        foreach (var parameters in new[] { chat, chat with { TopK = 0 }, new SamplingParameters { MaxTokens = 1 } })
            _sampler.Sample(logits, new Sequence("warm-up", [0], [], parameters, new TokenStream(1)), out _);
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
            logits = _runner.Run(_batch);
        }
        catch (Exception exception)
        {
            _reservation.Release();
            return FailStep(exception);
        }

        _failuresInARow = 0;
        Totals.Steps++;
        CountPromptTokens();
        _queue.Rate.Observe(Totals.PromptTokens - promptTokens, _time.GetElapsedTime(started));
        _reservation.Commit();

        // (8) sample and (9) emit, row by row
        var logitsRow = 0;
        foreach (var row in _plan.Rows)
        {
            var rows = row.LogitRows;
            if (rows > 0)
                SampleRows(row, logits.Span.Slice(_sampler.VocabularySize * logitsRow, _sampler.VocabularySize * rows), logitsRow);
            logitsRow += rows;
        }

        return StepOutcome.Completed;
    }

    /// <summary>
    /// Samples row by row for as long as the draft is right: the row behind a drafted token says something only when that token is the
    /// one that was sampled. Of a wrong token nothing stays: its place in the cache is written again.
    /// </summary>
    private void SampleRows(StepRow row, ReadOnlySpan<float> logits, int logitsRow)
    {
        var sequence = row.Sequence;
        var accepted = 0;
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
        _speculator.Verified(sequence, row.DraftTokens, accepted);
        if (sequence.Status != SequenceStatus.Ended)
            _reservation.CommitDraft(sequence);
    }

    /// <returns>True when a draft had guessed the token.</returns>
    private bool SampleAndEmit(Sequence sequence, ReadOnlySpan<float> logits, int logitsRow)
    {
        uint id;
        TokenDetail? detail;
        try
        {
            id = Sample(sequence, logits, logitsRow, out detail);
        }
        catch (InvalidDataException exception)
        {
            Log.SamplingFailed(_logger, sequence.RequestId, exception.Message);
            Fail(sequence, FailureReason.StepFailed, exception.Message, retryable: false);
            return false;
        }

        if (sequence.FirstTokenAt == 0)
        {
            sequence.FirstTokenAt = _time.GetTimestamp();
            _telemetry.FirstToken(_time.GetElapsedTime(sequence.AcceptedAt, sequence.FirstTokenAt));
        }

        var wasDrafted = sequence.AppendDrafted(id);
        Totals.CompletionTokens++;
        if (sequence.Stream.Write(new StreamedToken(id, detail)))
            _delivery.Add(sequence.Stream);
        if (_stopConditions.Check(sequence) is { } reason)
        {
            var stopTokenId = reason is FinishReason.Eos or FinishReason.StopToken ? id : (uint?)null;
            End(sequence, reason, null, stopTokenId, "", retryable: false);
        }

        return wasDrafted;
    }

    /// <summary>From the few logits that a device gives away cheaply where they decide, from the whole row otherwise.</summary>
    private uint Sample(Sequence sequence, ReadOnlySpan<float> logits, int logitsRow, out TokenDetail? detail)
    {
        detail = null;
        if (_candidates is null)
            return _sampler.Sample(logits, sequence, out detail);
        return _candidates.TryGetCandidates(logitsRow, out var best, out var ids) && _sampler.TrySample(best, ids, sequence, out var id)
            ? id
            : _sampler.Sample(_candidates.LogitsOf(logitsRow), sequence, out detail);
    }

    private void DropDead()
    {
        var now = _time.GetTimestamp();
        foreach (var sequence in CopyAll())
        {
            // At its deadline a call is also cancelled; the deadline is the reason then.
            if (now >= sequence.Deadline)
                Fail(sequence, FailureReason.DeadlineExceeded, "The deadline passed.", retryable: false);
            else if (sequence.IsCancelled)
                Fail(sequence, FailureReason.Cancelled, "The call was cancelled.");
            else if (sequence.PausedAt != 0 && _time.GetElapsedTime(sequence.PausedAt, now) >= _limits.SlowReaderMax)
                Fail(sequence, FailureReason.SlowReader, "The tokens were not read in time.", retryable: false);
        }
    }

    /// <summary>A sequence whose stream is full takes no part until its reader has made room.</summary>
    private void MarkPaused()
    {
        foreach (var sequence in CopyAll())
        {
            if (!sequence.Stream.IsFull)
                sequence.PausedAt = 0;
            else if (sequence.PausedAt == 0)
                sequence.PausedAt = _time.GetTimestamp();
        }
    }

    private void ReserveBlocks()
    {
        for (var i = 0; i < _plan.Rows.Length;)
        {
            var row = _plan.Rows[i];
            if (_reservation.TryReserve(row.Sequence, row.NewTokens))
            {
                i++;
                continue;
            }

            var victim = _scheduler.VictimFor(row.Sequence);
            _reservation.Forget(victim);
            _scheduler.Preempt(victim);
            Totals.Preemptions++;
            Log.Preempted(_logger, victim.RequestId, victim.Length);
            var removed = _plan.Remove(victim);
            if (removed >= 0 && removed < i)
                i--;
        }

        // Nobody loses blocks for a guess.
        for (var i = 0; i < _plan.Rows.Length; i++)
        {
            var row = _plan.Rows[i];
            if (row.DraftTokens == 0 || _reservation.TryReserveDraft(row.Sequence, row.NewTokens, row.DraftTokens))
                continue;
            row.Sequence.DropDraft();
            _plan.SetDraft(i, 0);
        }
    }

    private void PackBatch()
    {
        var width = 1;
        foreach (var row in _plan.Rows)
            width = Math.Max(width, row.Sequence.Blocks.Count);
        _batch.Clear(width);
        foreach (var row in _plan.Rows)
        {
            var sequence = row.Sequence;
            var ids = sequence.TokensAndDraft.Slice(sequence.CachedLength, row.NewTokens + row.DraftTokens);
            _batch.Add(ids, sequence.CachedLength, sequence.Blocks.Blocks, row.LogitRows, Sampler.LogitBest(sequence));
        }
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
            Fail(row.Sequence, FailureReason.StepFailed, "A step of the model failed; the service's log has the cause.");
        if (++_failuresInARow < _limits.StepFailuresMax)
            return StepOutcome.Failed;
        _queue.MarkUnhealthy();
        FailAll(FailureReason.Unhealthy, $"{_failuresInARow} steps in a row failed.");
        Log.Unhealthy(_logger, _failuresInARow);
        return StepOutcome.Unhealthy;
    }

    private StepOutcome NothingToRun() =>
        _scheduler.Running.Count + _scheduler.Waiting.Count == 0 ? StepOutcome.Idle : StepOutcome.Blocked;

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

    private void Fail(Sequence sequence, FailureReason reason, string message, bool retryable = true) =>
        End(sequence, null, reason, null, message, retryable);

    /// <summary>The one place where a sequence ends.</summary>
    private void End(
        Sequence sequence, FinishReason? finish, FailureReason? failure, uint? stopTokenId, string message, bool retryable)
    {
        var now = _time.GetTimestamp();
        _scheduler.Remove(sequence);
        var startedAt = sequence.StartedAt == 0 ? now : sequence.StartedAt;
        var firstTokenAt = sequence.FirstTokenAt == 0 ? now : sequence.FirstTokenAt;
        var end = new SequenceEnd(
            finish, failure, stopTokenId, message, retryable,
            new SequenceUsage(sequence.PromptLength, sequence.PrefixTokens, sequence.AnswerLength),
            new SequenceTimings(
                _time.GetElapsedTime(sequence.AcceptedAt, startedAt),
                _time.GetElapsedTime(startedAt, firstTokenAt),
                _time.GetElapsedTime(firstTokenAt, now)));
        if (sequence.Stream.Complete(end))
            _delivery.Add(sequence.Stream);
        _telemetry.Ended(end, sequence.FirstTokenAt != 0);
        Log.SequenceEnded(_logger, sequence.RequestId, finish?.ToString() ?? failure.ToString()!, end.Usage.PromptTokens,
            end.Usage.CompletionTokens);
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
            Totals.CompletionTokens, Totals.CachedTokens, Totals.Preemptions, Totals.DraftTokens, Totals.AcceptedTokens);
        lock (_snapshotLock)
            _snapshot = snapshot;
    }

    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        var violations = CheckInvariants();
        if (violations.Count > 0)
            throw new InvalidOperationException("The engine is inconsistent:\n" + string.Join("\n", violations));
    }
}
