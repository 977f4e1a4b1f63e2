using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels;

/// <summary>
/// Causal attention over a paged key/value cache for any mix of decode rows and prompt chunks, without ONNX Runtime: plan a step,
/// run all write units, then all attention units, in any order and on any threads.
/// </summary>
/// <param name="name">Shown at start, e.g. <c>AVX-512</c>.</param>
/// <param name="write">Body of a write unit.</param>
/// <param name="attend">Body of an attention unit.</param>
internal sealed unsafe class PagedAttentionKernel(
    string name, delegate*<PagedAttentionStep*, nint, void> write, delegate*<PagedAttentionStep*, nint, void> attend)
{
    /// <summary>
    /// Positions per round of the online softmax: keys and values of 64 positions and 64 dimensions fit the first-level cache.
    /// </summary>
    internal const int KeyTile = 64;

    /// <summary>Rows whose accumulators fit the registers together with vectors of keys.</summary>
    internal const int RowGroup = 4;

    /// <summary>Tokens per write unit.</summary>
    internal const int WriteTokens = 32;

    /// <summary>
    /// Query rows that share a pass over the keys: fewer read the cache more often, more fall out of the first-level cache.
    /// </summary>
    private const int TileRows = 32;

    public static PagedAttentionKernel Vector512Variant { get; } = new(
        "AVX-512", &PagedCacheWriter<Vector512<float>, Vector512Ops>.Write, &PagedAttentionTile<Vector512<float>, Vector512Ops>.Attend);

    public static PagedAttentionKernel Vector256Variant { get; } = new(
        "AVX2", &PagedCacheWriter<Vector256<float>, Vector256Ops>.Write, &PagedAttentionTile<Vector256<float>, Vector256Ops>.Attend);

    public static PagedAttentionKernel Vector128Variant { get; } = new(
        "128-bit", &PagedCacheWriter<Vector128<float>, Vector128Ops>.Write, &PagedAttentionTile<Vector128<float>, Vector128Ops>.Attend);

    public static PagedAttentionKernel ScalarVariant { get; } = new(
        "scalar", &PagedCacheWriter<float, ScalarOps>.Write, &PagedAttentionTile<float, ScalarOps>.Attend);

    /// <summary>The widest variant that this processor runs in hardware.</summary>
    public static PagedAttentionKernel Best { get; } =
        Vector512.IsHardwareAccelerated ? Vector512Variant
        : Vector256.IsHardwareAccelerated ? Vector256Variant
        : Vector128.IsHardwareAccelerated ? Vector128Variant
        : ScalarVariant;

    public string Name => name;

    public delegate*<PagedAttentionStep*, nint, void> Write => write;

    public delegate*<PagedAttentionStep*, nint, void> Attend => attend;

    /// <summary>
    /// Lays out the attention units of a step whose arguments are checked; the plan lives in the calling thread's scratch.
    /// </summary>
    /// <returns>Units of both kinds.</returns>
    public static (int Write, int Attend) Plan(PagedAttentionStep* step)
    {
        step->UnitStarts = AttentionScratch.Units(step->SequenceCount + 1);
        var tokensPerTile = TokensPerTile(step->GroupSize);
        var units = 0;
        for (var i = 0; i < step->SequenceCount; i++)
        {
            step->UnitStarts[i] = units;
            var newTokens = step->CumulativeLengths[i + 1] - step->CumulativeLengths[i];
            units += (newTokens + tokensPerTile - 1) / tokensPerTile * step->KeyValueHeads;
        }

        step->UnitStarts[step->SequenceCount] = units;
        return ((step->TokenCount + WriteTokens - 1) / WriteTokens * step->KeyValueHeads, units);
    }

    /// <summary>Runs a whole step on the calling thread.</summary>
    public void Run(PagedAttentionStep* step)
    {
        var (writes, attends) = Plan(step);
        for (var i = 0; i < writes; i++)
            write(step, i);
        for (var i = 0; i < attends; i++)
            attend(step, i);
    }

    internal static int TokensPerTile(int group) => Math.Max(1, TileRows / group);
}
