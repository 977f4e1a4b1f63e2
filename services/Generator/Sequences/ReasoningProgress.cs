namespace Parley.Generator.Sequences;

/// <summary>
/// Where an answer stands in its reasoning. It follows from the answer's tokens alone: led over the same tokens it is the same, whoever
/// has chosen them.
/// </summary>
internal sealed class ReasoningProgress(ReasoningBudget budget)
{
    private bool _isOpen = budget.IsOpen;
    private int _regionAt;
    private int _spent;
    private int _closed;

    /// <summary>The id that must come next, because the budget is spent; null for any.</summary>
    public uint? ForcedId => _isOpen && (_closed > 0 || _spent >= budget.TokensMax) ? budget.ClosingIds[_closed] : null;

    /// <summary>Goes on by one token.</summary>
    /// <param name="answer">The answer's tokens, the new one last.</param>
    public void Follow(ReadOnlySpan<uint> answer)
    {
        if (!_isOpen)
        {
            if (EndsWith(answer[_regionAt..], budget.Openings))
                (_isOpen, _regionAt) = (true, answer.Length);
            return;
        }

        // Another replica may have chosen otherwise; then the closing begins anew.
        _closed = ForcedId == answer[^1] ? _closed + 1 : 0;
        _spent++;
        if (_closed == budget.ClosingIds.Count || EndsWith(answer[_regionAt..], budget.Closings))
            (_isOpen, _regionAt, _closed) = (false, answer.Length, 0);
    }

    private static bool EndsWith(ReadOnlySpan<uint> region, IReadOnlyList<uint[]> runs)
    {
        foreach (var run in runs)
        {
            if (region.EndsWith(run))
                return true;
        }

        return false;
    }
}
