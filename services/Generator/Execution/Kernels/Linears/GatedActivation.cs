using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>SiLU(gate) · up of sixteen outputs; the same operations in every vector width, so the same bits.</summary>
internal static unsafe class GatedActivation
{
    private const float Log2E = 1.442695041f;

    /// <summary>Exponents beyond are cut off: the sigmoid is then 1, or less than a normal number.</summary>
    private const float ExponentMax = 126;

    /// <summary>x / (1 + e^−x) · up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Apply(Vector512<float> gate, Vector512<float> up)
    {
        var exponent = gate * Vector512.Create(-Log2E);
        exponent = Vector512.MinNative(
            Vector512.MaxNative(exponent, Vector512.Create(-ExponentMax)), Vector512.Create(ExponentMax));
        var whole = Vector512.Round(exponent);
        var f = exponent - whole;
        // 2^f on [−½, ½] to 2e-7, as in attention's softmax.
        var p = Vector512.Create(1.535336188319500e-4f);
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(1.339887440266574e-3f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(9.618437357674640e-3f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(5.550332471162809e-2f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(2.402264791363012e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(6.931472028550421e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(1f));
        var power = ((Vector512.ConvertToInt32Native(whole) + Vector512.Create(127)) << 23).AsSingle();
        return gate / Vector512.FusedMultiplyAdd(p, power, Vector512.Create(1f)) * up;
    }
}
