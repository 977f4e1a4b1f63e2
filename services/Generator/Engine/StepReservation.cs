using Parley.Generator.KvCache;
using Parley.Generator.Scheduling;
using Parley.Generator.Sequences;

namespace Parley.Generator.Engine;

/// <summary>
/// Finds room for what a step writes: blocks, and slots of states where the model has some. Who arrived last gives its blocks up when there
/// are too few; nobody does for a draft.
/// </summary>
/// <param name="scheduler">Says who gives up.</param>
/// <param name="pool">The blocks.</param>
/// <param name="blocks">What the step takes of them.</param>
/// <param name="snapshotTokens">How far snapshots of states in a prompt are apart.</param>
/// <param name="logger">The log.</param>
/// <param name="faults">Grows by the sequences for which that throws.</param>
internal sealed class StepReservation(
    Scheduler scheduler, KvBlockPool pool, KvReservation blocks, int snapshotTokens, ILogger logger, List<SequenceFault> faults)
{
    private readonly StateReservation? _states =
        pool.States is { } states ? new StateReservation(states, pool.BlockTokens, snapshotTokens) : null;

    /// <summary>Makes room; rows that find none leave the plan.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="totals">Counts who was preempted.</param>
    public void Reserve(StepPlan plan, EngineTotals totals)
    {
        for (var i = 0; i < plan.Rows.Length;)
        {
            var row = plan.Rows[i];
            // Where all slots are in use by others that read the same one, it goes on when one of those has got its own.
            if (_states?.TryReserve(row.Sequence, row.NewTokens) == false)
            {
                plan.Remove(row.Sequence);
                continue;
            }

            if (TryReserve(row, out var failed) || failed)
            {
                i++;
                continue;
            }

            var victim = scheduler.VictimFor(row.Sequence);
            blocks.Forget(victim);
            scheduler.Preempt(victim);
            totals.Preemptions++;
            Log.Preempted(logger, victim.RequestId, victim.Length);
            var removed = plan.Remove(victim);
            if (removed >= 0 && removed < i)
                i--;
        }

        // Nobody loses blocks for a guess.
        for (var i = 0; i < plan.Rows.Length; i++)
        {
            var row = plan.Rows[i];
            if (row.DraftTokens == 0 || TryReserveDraft(row))
                continue;
            row.Sequence.DropDraft();
            plan.SetDraft(i, 0);
        }
    }

    private bool TryReserveDraft(StepRow row)
    {
        if (_states?.TryReserveDraft(row.Sequence, row.NewTokens, row.DraftTokens) == false)
            return false;
        if (blocks.TryReserveDraft(row.Sequence, row.NewTokens, row.DraftTokens))
            return true;
        pool.States?.Cut(row.Sequence.States, row.Sequence.CachedLength + row.NewTokens);
        return false;
    }

    /// <param name="row">Whose blocks.</param>
    /// <param name="failed">To reserve them threw: the row is about to leave the plan.</param>
    private bool TryReserve(StepRow row, out bool failed)
    {
        failed = false;
        try
        {
            return blocks.TryReserve(row.Sequence, row.NewTokens);
        }
        catch (Exception exception)
        {
            faults.Add(new SequenceFault(row.Sequence, exception));
            failed = true;
            return false;
        }
    }
}
