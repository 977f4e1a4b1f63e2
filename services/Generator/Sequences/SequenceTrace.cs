using System.Diagnostics;

namespace Parley.Generator.Sequences;

/// <summary>
/// What a sequence whose request is traced notes for its spans. The engine's thread writes; the call may read at any time, since it ends
/// before a cancelled sequence does.
/// </summary>
/// <param name="activity">The call's span.</param>
internal sealed class SequenceTrace(Activity activity)
{
    /// <summary>Preemptions beyond are counted, and their times are not kept.</summary>
    private const int PreemptionTimesMax = 32;

    private readonly long[] _preemptedAt = new long[PreemptionTimesMax];
    private int _preemptions;

    public Activity Activity => activity;

    public int Preemptions => Volatile.Read(ref _preemptions);

    /// <summary>Time stamps of the first preemptions.</summary>
    public ReadOnlySpan<long> PreemptedAt => _preemptedAt.AsSpan(0, Math.Min(Preemptions, PreemptionTimesMax));

    /// <summary>The engine's side: the sequence lost its blocks.</summary>
    public void Preempted(long at)
    {
        if (_preemptions < PreemptionTimesMax)
            _preemptedAt[_preemptions] = at;
        Volatile.Write(ref _preemptions, _preemptions + 1);
    }

    /// <summary>Makes the call's span the thread's, so that figures and log lines are the trace's; false when it is over.</summary>
    public bool Enter()
    {
        if (activity.IsStopped)
            return false;
        System.Diagnostics.Activity.Current = activity;
        return true;
    }

    /// <summary>The other end of <see cref="Enter"/>.</summary>
    public static void Leave() => System.Diagnostics.Activity.Current = null;
}
