using Parley.Generator.Execution.Kernels;

namespace Parley.Generator.Tests.Execution.Kernels;

/// <summary>A window costs what it covers, whatever lies behind it.</summary>
public sealed unsafe class AttentionWindowTests
{
    private const int Window = 1024;

    [Theory]
    [InlineData(1, 16_000)]
    [InlineData(1, 16_063)]
    [InlineData(4, 16_000)]
    [InlineData(40, 15_990)]
    public void Create_FarBehindAWindow_ReadsNoMoreThanAtItsLength(int newTokens, int past)
    {
        // Units begin at whole segments, and within them at the tile of 64 that the window begins in.
        var near = KeysRead(newTokens, Window + (past % PagedAttentionKernel.SegmentTokens), Window);

        Assert.Equal(near, KeysRead(newTokens, past, Window));
        Assert.True(near <= (long)KeysRead(newTokens, past, window: 0) / 10);
        Assert.InRange(KeysRead(1, past, Window), Window * 2, (Window + PagedAttentionKernel.SegmentTokens) * 2);
    }

    /// <summary>Keys that the units of a step with two heads of keys reach over.</summary>
    private static int KeysRead(int newTokens, int past, int window)
    {
        int* lengths = stackalloc int[] { 0, newTokens }, before = stackalloc int[] { past };
        var step = new PagedAttentionStep
        {
            QueryHeads = 8,
            KeyValueHeads = 2,
            HeadSize = 64,
            SequenceCount = 1,
            TokenCount = newTokens,
            CumulativeLengths = lengths,
            PastLengths = before,
            WindowTokens = window,
        };
        AttentionPlan.Create(&step);
        var keys = 0;
        for (var i = 0; i < step.Plan.UnitCount; i++)
            keys += step.Plan.Units[i].EndKey - step.Plan.Units[i].FirstKey;
        return keys;
    }
}
