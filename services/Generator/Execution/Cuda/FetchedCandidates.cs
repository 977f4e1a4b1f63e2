namespace Parley.Generator.Execution.Cuda;

/// <summary>The candidates of a run, as the host has them after the download.</summary>
internal static class FetchedCandidates
{
    /// <summary>Those of one row, best first, and their ids.</summary>
    /// <param name="host">What was downloaded.</param>
    /// <param name="plan">Where the run's plan has them.</param>
    /// <param name="rows">Rows of the run.</param>
    /// <param name="row">The row.</param>
    /// <param name="count">Candidates of a row; 0 where the graph gives none.</param>
    /// <param name="logits">The best logits.</param>
    /// <param name="ids">Their ids.</param>
    /// <returns>False where there are none, or the row holds a logit that is not a finite number.</returns>
    public static bool TryRead(
        DeviceBuffer host, BindingPlan plan, int rows, int row, int count, out ReadOnlySpan<float> logits, out ReadOnlySpan<long> ids)
    {
        logits = default;
        ids = default;
        if (count == 0 || !float.IsFinite(host.Span<float>(plan.OffsetOf(BindingPlan.LogitSums), rows)[row]))
            return false;
        logits = host.Span<float>(plan.OffsetOf(BindingPlan.TopLogits), rows * count).Slice(row * count, count);
        ids = host.Span<long>(plan.OffsetOf(BindingPlan.TopIds), rows * count).Slice(row * count, count);
        return true;
    }
}
