using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Parley.Generator.Execution.Kernels.Adapters;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// A quantised linear without ONNX Runtime: quantise the rows of all tiles, then run all units, in any order and on any threads.
/// </summary>
/// <param name="name">Shown at start, e.g. <c>AVX-512</c>.</param>
/// <param name="tileRows">Rows of a full tile.</param>
/// <param name="run">Body of a unit.</param>
/// <param name="runCoarse">Body of a unit of a head's high plane; takes a <see cref="QuantizedHeadStep"/>.</param>
/// <param name="runExact">Body of a unit of a head's low plane; takes a <see cref="QuantizedHeadStep"/>.</param>
internal sealed unsafe class QuantizedLinearKernel(
    string name,
    int tileRows,
    delegate*<QuantizedLinearStep*, nint, void> run,
    delegate*<QuantizedLinearStep*, nint, void> runCoarse,
    delegate*<QuantizedLinearStep*, nint, void> runExact)
{
    public static QuantizedLinearKernel Avx512Variant { get; } = new(
        "AVX-512", Avx512Ops.TileRows, &QuantizedLinearUnit<Avx512Ops, Vector512<int>, Vector512<float>>.Run,
        &QuantizedLinearUnit<Avx512Ops, Vector512<int>, Vector512<float>>.RunCoarse,
        &QuantizedLinearUnit<Avx512Ops, Vector512<int>, Vector512<float>>.RunExact);

    public static QuantizedLinearKernel AvxVnniVariant { get; } = new(
        "AVX-VNNI", AvxVnniOps.TileRows, &QuantizedLinearUnit<AvxVnniOps, Vector256<int>, Vector256<float>>.Run,
        &QuantizedLinearUnit<AvxVnniOps, Vector256<int>, Vector256<float>>.RunCoarse,
        &QuantizedLinearUnit<AvxVnniOps, Vector256<int>, Vector256<float>>.RunExact);

    public static QuantizedLinearKernel Avx2Variant { get; } = new(
        "AVX2", Avx2Ops.TileRows, &QuantizedLinearUnit<Avx2Ops, Vector256<int>, Vector256<float>>.Run,
        &QuantizedLinearUnit<Avx2Ops, Vector256<int>, Vector256<float>>.RunCoarse,
        &QuantizedLinearUnit<Avx2Ops, Vector256<int>, Vector256<float>>.RunExact);

    public static QuantizedLinearKernel AdvSimdVariant { get; } = new(
        "AdvSimd", AdvSimdOps.TileRows, &QuantizedLinearUnit<AdvSimdOps, Vector128<int>, Vector128<float>>.Run,
        &QuantizedLinearUnit<AdvSimdOps, Vector128<int>, Vector128<float>>.RunCoarse,
        &QuantizedLinearUnit<AdvSimdOps, Vector128<int>, Vector128<float>>.RunExact);

    public static QuantizedLinearKernel ScalarVariant { get; } = new(
        "scalar", ScalarQuantizedOps.TileRows, &QuantizedLinearUnit<ScalarQuantizedOps, int, float>.Run,
        &QuantizedLinearUnit<ScalarQuantizedOps, int, float>.RunCoarse,
        &QuantizedLinearUnit<ScalarQuantizedOps, int, float>.RunExact);

    /// <summary>The variants that this processor runs, fastest first.</summary>
    public static IReadOnlyList<QuantizedLinearKernel> Supported { get; } =
    [
        .. Avx512BW.IsSupported ? [Avx512Variant] : Array.Empty<QuantizedLinearKernel>(),
        .. AvxVnni.IsSupported && Fma.IsSupported ? [AvxVnniVariant] : Array.Empty<QuantizedLinearKernel>(),
        .. Avx2.IsSupported && Fma.IsSupported ? [Avx2Variant] : Array.Empty<QuantizedLinearKernel>(),
        .. AdvSimd.Arm64.IsSupported ? [AdvSimdVariant] : Array.Empty<QuantizedLinearKernel>(),
        ScalarVariant,
    ];

    public static QuantizedLinearKernel Best { get; } = Supported[0];

    public string Name => name;

    public int TileRows => tileRows;

    /// <summary>Rows that cost nearly what one costs, as measured (docs/benchmarks/kernel-notes.md); 1 where nobody has.</summary>
    public int FreeRows => this == Avx512Variant ? 4 : this == AvxVnniVariant || this == Avx2Variant ? 2 : 1;

    public delegate*<QuantizedLinearStep*, nint, void> RunUnit => run;

    public delegate*<QuantizedLinearStep*, nint, void> RunCoarseUnit => runCoarse;

    public delegate*<QuantizedLinearStep*, nint, void> RunExactUnit => runExact;

    /// <summary>Runs a whole step on the calling thread.</summary>
    public void Run(QuantizedLinearStep* step)
    {
        var plan = new QuantizedLinearPlan(step, tileRows);
        QuantizedLinearPlan.Quantize(context: null, &plan);
        if (step->Adapters is not null)
            AdapterDown.Run(context: null, step->Adapters);
        QuantizedLinearPlan.Multiply(context: null, &plan, run, step->Units, parallel: false);
    }
}
