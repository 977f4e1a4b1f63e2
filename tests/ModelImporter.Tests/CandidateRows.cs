using Parley.Generator.Execution;

namespace Parley.ModelImporter.Tests;

/// <summary>The candidates that a runner gives, against its own whole rows.</summary>
internal static class CandidateRows
{
    /// <summary>They are the 64 best logits of the row, in order, with their ids.</summary>
    public static void AssertBest(ICandidateRunner runner, int row)
    {
        var logits = runner.LogitsOf(row);
        Assert.True(runner.TryGetCandidates(row, out var best, out var ids));
        var sorted = logits.ToArray();
        sorted.Sort();
        for (var i = 0; i < 64; i++)
        {
            Assert.Equal(sorted[^(i + 1)], best[i]);
            Assert.Equal(logits[(int)ids[i]], best[i]);
        }
    }
}
