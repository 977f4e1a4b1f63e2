using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>Functions over vectors of one width.</summary>
internal static class VectorMath<TVector, TOps>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
{
    private const float Log2E = 1.44269504088896341f;

    /// <summary>2 to the power of x ≤ 0, to 3e-7: a polynomial on [−½, ½] times a power of two; 0 below normal numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp2(TVector x)
    {
        var whole = TOps.Round(x);
        var f = TOps.Subtract(x, whole);
        var p = TOps.Broadcast(1.3264725e-3f);
        p = TOps.MultiplyAdd(p, f, TOps.Broadcast(9.6715128e-3f));
        p = TOps.MultiplyAdd(p, f, TOps.Broadcast(5.5507338e-2f));
        p = TOps.MultiplyAdd(p, f, TOps.Broadcast(2.4022242e-1f));
        p = TOps.MultiplyAdd(p, f, TOps.Broadcast(6.9314698e-1f));
        p = TOps.MultiplyAdd(p, f, TOps.Broadcast(1));
        return TOps.Scale(p, whole);
    }

    /// <summary>tanh to 3e-7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Tanh(TVector x)
    {
        var e = Exp2(TOps.Multiply(TOps.Abs(x), TOps.Broadcast(-2 * Log2E)));
        var one = TOps.Broadcast(1);
        return TOps.CopySign(TOps.Divide(TOps.Subtract(one, e), TOps.Add(one, e)), x);
    }
}
