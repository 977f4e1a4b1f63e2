using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>
/// Causal attention over a paged cache of latents, absorbed: queries come in the latent's space and the weighted latents go out, so no head
/// is ever expanded. Plan a step, run all write units, then all attention units, in any order and on any threads.
/// </summary>
/// <param name="name">Shown at start, e.g. <c>AVX-512</c>.</param>
/// <param name="precision">The cache that it reads and writes.</param>
/// <param name="write">Body of a write unit.</param>
/// <param name="attend">Body of an attention unit.</param>
internal sealed unsafe class LatentAttentionKernel(
    string name,
    KvCachePrecision precision,
    delegate*<LatentAttentionStep*, nint, void> write,
    delegate*<LatentAttentionStep*, nint, void> attend)
{
    /// <summary>Tokens of a write unit.</summary>
    internal const int WriteTokens = 16;

    private static readonly LatentAttentionKernel[] Variants =
    [
        .. Enum.GetValues<KvCachePrecision>().SelectMany(precision => new[]
        {
            Create<Vector512<float>, Vector512Ops>("AVX-512", precision),
            Create<Vector256<float>, Vector256Ops>("AVX2", precision),
            Create<Vector128<float>, Vector128Ops>("128-bit", precision),
            Create<float, ScalarOps>("scalar", precision),
        }),
    ];

    private static readonly LatentAttentionKernel[] BestVariants =
        [.. Enum.GetValues<KvCachePrecision>().Select(precision => Get(precision, PagedAttentionKernel.BestName))];

    public string Name => name;

    public KvCachePrecision Precision => precision;

    public delegate*<LatentAttentionStep*, nint, void> Write => write;

    public delegate*<LatentAttentionStep*, nint, void> Attend => attend;

    /// <summary>The kernel of a cache in the widest vectors.</summary>
    public static LatentAttentionKernel Best(KvCachePrecision precision) => BestVariants[(int)precision];

    /// <summary>The kernel of a cache in vectors of a name.</summary>
    public static LatentAttentionKernel Get(KvCachePrecision precision, string name) =>
        Variants.Single(kernel => kernel.Precision == precision && kernel.Name == name);

    /// <summary>Write units of a step.</summary>
    public static int WriteCount(LatentAttentionStep* step) => (step->Paged.TokenCount + WriteTokens - 1) / WriteTokens;

    /// <summary>Runs a whole step on the calling thread.</summary>
    public void Run(LatentAttentionStep* step)
    {
        AttentionPlan.Create(&step->Paged);
        for (var i = 0; i < WriteCount(step); i++)
            write(step, i);
        for (var i = 0; i < step->Paged.Plan.UnitCount; i++)
            attend(step, i);
    }

    private static LatentAttentionKernel Create<TVector, TOps>(string name, KvCachePrecision precision)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => precision switch
        {
            KvCachePrecision.Fp32 => new(name, precision,
                &LatentCacheWriter<TVector, TOps, Fp32Element>.Write, &LatentAttentionTile<TVector, TOps, Fp32Element>.Attend),
            KvCachePrecision.Fp16 => new(name, precision,
                &LatentCacheWriter<TVector, TOps, Fp16Element>.Write, &LatentAttentionTile<TVector, TOps, Fp16Element>.Attend),
            _ => new(name, precision,
                &LatentCacheWriter<TVector, TOps, Int8Element>.Write, &LatentAttentionTile<TVector, TOps, Int8Element>.Attend),
        };
}
