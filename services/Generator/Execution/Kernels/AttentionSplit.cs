namespace Parley.Generator.Execution.Kernels;

/// <summary>
/// Tokens and heads whose keys are so many that several units share them, a range of segments each. Who ends last merges all segments, in
/// their order, so the result is that of a single unit.
/// </summary>
internal struct AttentionSplit
{
    /// <summary>Units that are not done.</summary>
    public int Pending;

    public int FirstKey;

    public int SegmentCount;

    /// <summary>Where the segments' states begin among the partial results, in floats.</summary>
    public long Offset;
}
