using System.Runtime.InteropServices;
using Parley.Generator.Sequences;

namespace Parley.Generator.Scheduling;

/// <summary>The rows of the next step, oldest sequence first. Reused.</summary>
internal sealed class StepPlan
{
    private readonly List<StepRow> _rows = [];

    /// <summary>The rows; valid until the plan changes.</summary>
    public ReadOnlySpan<StepRow> Rows => CollectionsMarshal.AsSpan(_rows);

    /// <summary>Tokens of all rows, drafts included.</summary>
    public int TokenCount { get; private set; }

    /// <summary>Rows of logits that are about prompts.</summary>
    public int PromptRows { get; private set; }

    public bool IsEmpty => _rows.Count == 0;

    public void Clear()
    {
        _rows.Clear();
        TokenCount = 0;
        PromptRows = 0;
    }

    public void Add(Sequence sequence, int newTokens)
    {
        var promptRows = sequence.PromptRows(newTokens);
        _rows.Add(new StepRow(sequence, newTokens, 0, newTokens == sequence.PendingLength) { PromptRows = promptRows });
        TokenCount += newTokens;
        PromptRows += promptRows;
    }

    /// <summary>Gives a row a draft of this length, or takes it away.</summary>
    public void SetDraft(int row, int draftTokens)
    {
        TokenCount += draftTokens - _rows[row].DraftTokens;
        _rows[row] = _rows[row] with { DraftTokens = draftTokens };
    }

    /// <summary>Takes a sequence's row out.</summary>
    /// <returns>The index that the row had, or −1.</returns>
    public int Remove(Sequence sequence)
    {
        for (var i = 0; i < _rows.Count; i++)
        {
            if (_rows[i].Sequence != sequence)
                continue;
            TokenCount -= _rows[i].NewTokens + _rows[i].DraftTokens;
            PromptRows -= _rows[i].PromptRows;
            _rows.RemoveAt(i);
            return i;
        }

        return -1;
    }
}
