using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>A gate and what it lets through, sixteen outputs; the same operations in every vector width, so the same bits.</summary>
internal static unsafe class GatedActivation
{
    private const float Log2E = 1.442695041f;

    /// <summary>Exponents beyond are cut off: the sigmoid is then 1, or less than a normal number.</summary>
    private const float ExponentMax = 126;

    /// <summary>SiLU(gate) · up: gate / (1 + e^−gate) · up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Apply(Vector512<float> gate, Vector512<float> up) => gate / OnePlusExp(gate) * up;

    /// <summary>
    /// GELU(gate) · up by the tanh approximation: ½ · (1 + tanh u) is the sigmoid of 2u, u = √(2/π) · (gate + 0.044715 · gate³).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ApplyGelu(Vector512<float> gate, Vector512<float> up)
    {
        var cube = gate * gate * gate;
        var twice = Vector512.FusedMultiplyAdd(cube, Vector512.Create(0.044715f), gate) * Vector512.Create(1.5957691216f);
        return gate / OnePlusExp(twice) * up;
    }

    /// <summary>gpt-oss's: gate at most the limit, up within ±limit, (up + 1) · gate · sigmoid(alpha · gate).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ApplyClamped(Vector512<float> gate, Vector512<float> up, float alpha, float limit)
    {
        // Not the native minimum, which loses NaN.
        gate = Vector512.Min(gate, Vector512.Create(limit));
        up = Vector512.Min(Vector512.Max(up, Vector512.Create(-limit)), Vector512.Create(limit));
        return gate / OnePlusExp(gate * Vector512.Create(alpha)) * (up + Vector512.Create(1f));
    }

    /// <summary>1 + e^−x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> OnePlusExp(Vector512<float> x)
    {
        var exponent = x * Vector512.Create(-Log2E);
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
        return Vector512.FusedMultiplyAdd(p, power, Vector512.Create(1f));
    }
}
