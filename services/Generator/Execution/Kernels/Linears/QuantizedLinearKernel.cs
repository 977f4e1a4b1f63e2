using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// A quantised linear without ONNX Runtime: quantise the rows of all tiles, then run all units, in any order and on any threads.
/// </summary>
/// <param name="name">Shown at start, e.g. <c>AVX-512</c>.</param>
/// <param name="tileRows">Rows of a full tile.</param>
/// <param name="run">Body of a unit.</param>
internal sealed unsafe class QuantizedLinearKernel(string name, int tileRows, delegate*<QuantizedLinearStep*, nint, void> run)
{
    public static QuantizedLinearKernel Avx512Variant { get; } = new(
        "AVX-512", Avx512Ops.TileRows, &QuantizedLinearUnit<Avx512Ops, Vector512<int>, Vector512<float>>.Run);

    public static QuantizedLinearKernel AvxVnniVariant { get; } = new(
        "AVX-VNNI", AvxVnniOps.TileRows, &QuantizedLinearUnit<AvxVnniOps, Vector256<int>, Vector256<float>>.Run);

    public static QuantizedLinearKernel Avx2Variant { get; } = new(
        "AVX2", Avx2Ops.TileRows, &QuantizedLinearUnit<Avx2Ops, Vector256<int>, Vector256<float>>.Run);

    public static QuantizedLinearKernel AdvSimdVariant { get; } = new(
        "AdvSimd", AdvSimdOps.TileRows, &QuantizedLinearUnit<AdvSimdOps, Vector128<int>, Vector128<float>>.Run);

    public static QuantizedLinearKernel ScalarVariant { get; } = new(
        "scalar", ScalarQuantizedOps.TileRows, &QuantizedLinearUnit<ScalarQuantizedOps, int, float>.Run);

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

    public delegate*<QuantizedLinearStep*, nint, void> RunUnit => run;

    /// <summary>Runs a whole step on the calling thread.</summary>
    public void Run(QuantizedLinearStep* step)
    {
        for (var tile = 0; tile < QuantizedLinearStep.Tiles(step->Rows, tileRows); tile++)
        {
            var (row, rows) = step->Tile(tile, tileRows);
            ActivationQuantizer.QuantizeTile(step, row, rows);
        }

        for (var unit = 0; unit < step->Units; unit++)
            run(step, unit);
    }
}
