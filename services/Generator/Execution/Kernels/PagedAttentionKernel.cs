using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels;

/// <summary>
/// Causal attention over a paged key/value cache for any mix of decode rows and prompt chunks, without ONNX Runtime: plan a step,
/// run all write units, then all attention units, in any order and on any threads.
/// </summary>
/// <param name="name">Shown at start, e.g. <c>AVX-512</c>.</param>
/// <param name="precision">The cache that it reads and writes.</param>
/// <param name="write">Body of a write unit.</param>
/// <param name="attend">Body of an attention unit.</param>
internal sealed unsafe class PagedAttentionKernel(
    string name,
    KvCachePrecision precision,
    delegate*<PagedAttentionStep*, nint, void> write,
    delegate*<PagedAttentionStep*, nint, void> attend)
{
    /// <summary>
    /// Positions per round of the online softmax: keys and values of 64 positions and 64 dimensions fit the first-level cache.
    /// </summary>
    internal const int KeyTile = 64;

    /// <summary>Rows whose accumulators fit the registers together with vectors of keys.</summary>
    internal const int RowGroup = 4;

    /// <summary>
    /// Positions that are summed up for themselves before they are merged with those before: the grain in which the keys of one row can be
    /// shared among threads. By absolute position, so that a row's result does not depend on how they are.
    /// </summary>
    internal const int SegmentTokens = 256;

    /// <summary>
    /// Query rows that share a pass over the keys: fewer read the cache more often, more fall out of the first-level cache.
    /// </summary>
    private const int TileRows = 64;

    /// <summary>Rows that read keys and values as they lie; for more of them a narrow cache is widened to float32 first.</summary>
    internal const int NarrowRowsMax = 2 * RowGroup;

    /// <summary>A maximum that any score replaces; finite, so that differences are numbers.</summary>
    internal const float NoMaximum = -1e30f;

    /// <summary>Instead of scores that a row does not see: far enough below <see cref="NoMaximum"/> that their weight is 0.</summary>
    internal const float Unseen = -2e38f;

    /// <summary>Units that a step is cut into where its rows and segments allow it: enough for all threads to end together.</summary>
    internal static readonly int UnitsWanted = Math.Max(16, 4 * Environment.ProcessorCount);

    private static readonly PagedAttentionKernel[] Variants =
    [
        .. Enum.GetValues<KvCachePrecision>().SelectMany(precision => new[]
        {
            Create<Vector512<float>, Vector512Ops>("AVX-512", precision),
            Create<Vector256<float>, Vector256Ops>("AVX2", precision),
            Create<Vector128<float>, Vector128Ops>("128-bit", precision),
            Create<float, ScalarOps>("scalar", precision),
        }),
    ];

    /// <summary>The widest vectors that this processor has in hardware.</summary>
    public static string BestName { get; } =
        Vector512.IsHardwareAccelerated ? "AVX-512"
        : Vector256.IsHardwareAccelerated ? "AVX2"
        : Vector128.IsHardwareAccelerated ? "128-bit"
        : "scalar";

    private static readonly PagedAttentionKernel[] BestVariants =
        [.. Enum.GetValues<KvCachePrecision>().Select(precision => Get(precision, BestName))];

    public string Name => name;

    public KvCachePrecision Precision => precision;

    public delegate*<PagedAttentionStep*, nint, void> Write => write;

    public delegate*<PagedAttentionStep*, nint, void> Attend => attend;

    /// <summary>The kernel of a cache in the widest vectors.</summary>
    public static PagedAttentionKernel Best(KvCachePrecision precision) => BestVariants[(int)precision];

    /// <summary>The kernel of a cache in vectors of a name.</summary>
    public static PagedAttentionKernel Get(KvCachePrecision precision, string name) =>
        Variants.Single(kernel => kernel.Precision == precision && kernel.Name == name);

    /// <summary>Runs a whole step on the calling thread.</summary>
    public void Run(PagedAttentionStep* step)
    {
        AttentionPlan.Create(step);
        for (var i = 0; i < step->Plan.WriteCount; i++)
            write(step, i);
        for (var i = 0; i < step->Plan.UnitCount; i++)
            attend(step, i);
    }

    internal static int TokensPerTile(int group) => Math.Max(1, TileRows / group);

    internal static int PaddedRows(int rows) => (rows + RowGroup - 1) / RowGroup * RowGroup;

    /// <summary>Floats of <see cref="AttentionState"/>, in whole cache lines.</summary>
    internal static int StateFloats(int rows, int headSize) => (PaddedRows(rows) * (headSize + 2) + 15) / 16 * 16;

    private static PagedAttentionKernel Create<TVector, TOps>(string name, KvCachePrecision precision)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => precision switch
        {
            KvCachePrecision.Fp32 => new(name, precision,
                &PagedCacheWriter<TVector, TOps, Fp32Element>.Write, &PagedAttentionTile<TVector, TOps, Fp32Element>.Attend),
            KvCachePrecision.Fp16 => new(name, precision,
                &PagedCacheWriter<TVector, TOps, Fp16Element>.Write, &PagedAttentionTile<TVector, TOps, Fp16Element>.Attend),
            _ => new(name, precision,
                &PagedCacheWriter<TVector, TOps, Int8Element>.Write, &PagedAttentionTile<TVector, TOps, Int8Element>.Attend),
        };
}
