using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>
/// The scan of Mamba-2 with its gate and norm, for any mix of decode rows and prompt chunks, without ONNX Runtime: all units of the scan in
/// any order and on any threads, then all rows.
/// </summary>
/// <param name="name">Shown at start, e.g. <c>AVX-512</c>.</param>
/// <param name="scan">Body of a unit of the scan.</param>
/// <param name="normalize">Body of a row.</param>
internal sealed unsafe class MambaScanKernel(
    string name, delegate*<MambaScanStep*, nint, void> scan, delegate*<MambaScanStep*, nint, void> normalize)
{
    private static readonly MambaScanKernel[] Variants =
    [
        Create<Vector512<float>, Vector512Ops>("AVX-512"),
        Create<Vector256<float>, Vector256Ops>("AVX2"),
        Create<Vector128<float>, Vector128Ops>("128-bit"),
        Create<float, ScalarOps>("scalar"),
    ];

    public string Name => name;

    public delegate*<MambaScanStep*, nint, void> Scan => scan;

    public delegate*<MambaScanStep*, nint, void> Normalize => normalize;

    /// <summary>The kernel in the widest vectors that this processor has.</summary>
    public static MambaScanKernel Best { get; } = Get(PagedAttentionKernel.BestName);

    /// <summary>The kernel in vectors of a name.</summary>
    public static MambaScanKernel Get(string name) => Variants.Single(kernel => kernel.Name == name);

    /// <summary>Runs a whole step on the calling thread.</summary>
    public void Run(MambaScanStep* step)
    {
        for (var i = 0; i < step->UnitCount; i++)
            scan(step, i);
        for (var i = 0; i < step->Recurrent.RowCount; i++)
            normalize(step, i);
    }

    private static MambaScanKernel Create<TVector, TOps>(string name)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> =>
        new(name, &MambaScanUnit<TVector, TOps>.Scan, &MambaScanUnit<TVector, TOps>.Normalize);
}
