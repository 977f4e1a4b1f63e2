using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>
/// The gated delta rule of Qwen3-Next and Qwen3.5 for any mix of decode rows and prompt chunks, without ONNX Runtime: units in any order
/// and on any threads.
/// </summary>
/// <param name="name">Shown at start, e.g. <c>AVX-512</c>.</param>
/// <param name="run">Body of a unit.</param>
internal sealed unsafe class GatedDeltaKernel(string name, delegate*<GatedDeltaStep*, nint, void> run)
{
    private static readonly GatedDeltaKernel[] Variants =
    [
        new("AVX-512", &GatedDeltaUnit<Vector512<float>, Vector512Ops>.Run),
        new("AVX2", &GatedDeltaUnit<Vector256<float>, Vector256Ops>.Run),
        new("128-bit", &GatedDeltaUnit<Vector128<float>, Vector128Ops>.Run),
        new("scalar", &GatedDeltaUnit<float, ScalarOps>.Run),
    ];

    public string Name => name;

    public delegate*<GatedDeltaStep*, nint, void> Unit => run;

    /// <summary>The kernel in the widest vectors that this processor has.</summary>
    public static GatedDeltaKernel Best { get; } = Get(PagedAttentionKernel.BestName);

    /// <summary>The kernel in vectors of a name.</summary>
    public static GatedDeltaKernel Get(string name) => Variants.Single(kernel => kernel.Name == name);

    /// <summary>Runs a whole step on the calling thread.</summary>
    public void Run(GatedDeltaStep* step)
    {
        for (var i = 0; i < step->UnitCount; i++)
            run(step, i);
    }
}
