using Parley.Generator.Sequences;

namespace Parley.Generator.Scheduling;

/// <summary>The rows of the next step, oldest sequence first. Reused.</summary>
internal sealed class StepPlan
{
    private readonly List<StepRow> _rows = [];

    public IReadOnlyList<StepRow> Rows => _rows;

    public int TokenCount { get; private set; }

    public bool IsEmpty => _rows.Count == 0;

    public void Clear()
    {
        _rows.Clear();
        TokenCount = 0;
    }

    public void Add(Sequence sequence, int newTokens)
    {
        _rows.Add(new StepRow(sequence, newTokens, newTokens == sequence.PendingLength));
        TokenCount += newTokens;
    }

    /// <summary>Takes a sequence's row out.</summary>
    /// <returns>The index that the row had, or −1.</returns>
    public int Remove(Sequence sequence)
    {
        var index = _rows.FindIndex(row => row.Sequence == sequence);
        if (index < 0)
            return -1;
        TokenCount -= _rows[index].NewTokens;
        _rows.RemoveAt(index);
        return index;
    }
}
