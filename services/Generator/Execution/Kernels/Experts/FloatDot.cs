using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>
/// Products of four rows with two rows of weights, all floats. Each is summed in one order whatever stands beside it, so that its bits
/// depend on nothing else.
/// </summary>
internal static unsafe class FloatDot
{
    public const int Rows = 4;

    public const int Outputs = 2;

    /// <summary>Computes the products.</summary>
    /// <param name="rows">Addresses of four rows; fewer are filled up with any of them.</param>
    /// <param name="first">A row of weights.</param>
    /// <param name="second">Another.</param>
    /// <param name="count">Length of each.</param>
    /// <param name="sums">Takes the products [4, 2].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(float** rows, float* first, float* second, int count, float* sums)
    {
        float* x0 = rows[0], x1 = rows[1], x2 = rows[2], x3 = rows[3];
        Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        var i = 0;
        for (; i <= count - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            Vector512<float> w = Vector512.Load(first + i), v = Vector512.Load(second + i), x = Vector512.Load(x0 + i);
            a0 = Vector512.FusedMultiplyAdd(x, w, a0);
            b0 = Vector512.FusedMultiplyAdd(x, v, b0);
            x = Vector512.Load(x1 + i);
            a1 = Vector512.FusedMultiplyAdd(x, w, a1);
            b1 = Vector512.FusedMultiplyAdd(x, v, b1);
            x = Vector512.Load(x2 + i);
            a2 = Vector512.FusedMultiplyAdd(x, w, a2);
            b2 = Vector512.FusedMultiplyAdd(x, v, b2);
            x = Vector512.Load(x3 + i);
            a3 = Vector512.FusedMultiplyAdd(x, w, a3);
            b3 = Vector512.FusedMultiplyAdd(x, v, b3);
        }

        sums[0] = Finish(a0, x0, first, i, count);
        sums[1] = Finish(b0, x0, second, i, count);
        sums[2] = Finish(a1, x1, first, i, count);
        sums[3] = Finish(b1, x1, second, i, count);
        sums[4] = Finish(a2, x2, first, i, count);
        sums[5] = Finish(b2, x2, second, i, count);
        sums[6] = Finish(a3, x3, first, i, count);
        sums[7] = Finish(b3, x3, second, i, count);
    }

    private static float Finish(Vector512<float> all, float* row, float* weights, int start, int count)
    {
        var half = all.GetLower() + all.GetUpper();
        var quarter = half.GetLower() + half.GetUpper();
        var sum = quarter[0] + quarter[2] + (quarter[1] + quarter[3]);
        for (var i = start; i < count; i++)
            sum = MathF.FusedMultiplyAdd(row[i], weights[i], sum);
        return sum;
    }
}
