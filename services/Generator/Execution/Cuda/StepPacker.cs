namespace Parley.Generator.Execution.Cuda;

/// <summary>
/// Writes a step's inputs where the binding plan has them. A step that is smaller than its plan is filled up with sequences of one token
/// that
/// read and write a block that nobody owns.
/// </summary>
internal static class StepPacker
{
    /// <summary>Writes the inputs.</summary>
    /// <param name="batch">The step.</param>
    /// <param name="plan">Where its tensors are.</param>
    /// <param name="size">The plan's sizes; a larger one than the step's is a bucket of decode rows.</param>
    /// <param name="fillBlock">The block of filling rows, and of entries of the table that no position reaches.</param>
    /// <param name="staging">The upload region as the host sees it.</param>
    public static void Pack(StepBatch batch, BindingPlan plan, StepSize size, int fillBlock, DeviceBuffer staging)
    {
        var (tokens, sequences, rows) = (batch.TokenCount, batch.SequenceCount, batch.LogitRowCount);
        var ids = staging.Span<long>(plan.OffsetOf(GraphContract.InputIds), size.Tokens);
        batch.InputIds.AsSpan(0, tokens).CopyTo(ids);
        ids[tokens..].Clear();

        var logitRows = staging.Span<long>(plan.OffsetOf(GraphContract.LogitRows), size.LogitRows);
        batch.LogitRows.AsSpan(0, rows).CopyTo(logitRows);
        for (var i = rows; i < size.LogitRows; i++)
            logitRows[i] = i;

        var cumulative = staging.Span<int>(plan.OffsetOf(GraphContract.CumulativeLengths), size.Sequences + 1);
        batch.CumulativeLengths.AsSpan(0, sequences + 1).CopyTo(cumulative);
        for (var i = sequences + 1; i < cumulative.Length; i++)
            cumulative[i] = cumulative[i - 1] + 1;

        var past = staging.Span<int>(plan.OffsetOf(GraphContract.PastLengths), size.Sequences);
        batch.PastLengths.AsSpan(0, sequences).CopyTo(past);
        past[sequences..].Clear();

        var table = staging.Span<int>(plan.OffsetOf(GraphContract.BlockTable), size.Sequences * size.TableWidth);
        table.Fill(fillBlock);
        for (var i = 0; i < sequences; i++)
            batch.BlockTable.AsSpan(i * batch.BlockTableWidth, batch.BlockTableWidth).CopyTo(table[(i * size.TableWidth)..]);
    }

    /// <summary>The bounds of a step's lengths: exact for a step of its own, for all replays where a graph is captured.</summary>
    public static void PackMetadata(StepBatch batch, bool captured, int tableWidth, int blockTokens, Span<int> metadata)
    {
        var (longestNew, longest) = (1, 1);
        for (var i = 0; i < batch.SequenceCount; i++)
        {
            var newTokens = batch.CumulativeLengths[i + 1] - batch.CumulativeLengths[i];
            longestNew = Math.Max(longestNew, newTokens);
            longest = Math.Max(longest, batch.PastLengths[i] + newTokens);
        }

        metadata[0] = captured ? 1 : longestNew;
        metadata[1] = captured ? tableWidth * blockTokens : longest;
        metadata[2] = captured ? 0 : longest;
    }
}
