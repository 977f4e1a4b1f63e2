using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>Rotary positions for one vector width.</summary>
internal static unsafe class RotaryEmbedding<TVector, TOps>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
{
    /// <summary>Rotates the pairs (d, d + half) of a head by the angles of its position; dimensions beyond are copied.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rotate(PagedAttentionStep* step, float* source, int position, float* rotated)
    {
        var half = step->RotaryHalf;
        var cos = step->Cos + ((long)position * half);
        var sin = step->Sin + ((long)position * half);
        var d = 0;
        for (; d + TOps.Width <= half; d += TOps.Width)
        {
            TVector c = TOps.Load(cos + d), s = TOps.Load(sin + d), x = TOps.Load(source + d), y = TOps.Load(source + half + d);
            TOps.Store(rotated + d, TOps.Subtract(TOps.Multiply(x, c), TOps.Multiply(y, s)));
            TOps.Store(rotated + half + d, TOps.Add(TOps.Multiply(y, c), TOps.Multiply(x, s)));
        }

        for (; d < half; d++)
        {
            var (x, y) = (source[d], source[half + d]);
            rotated[d] = (x * cos[d]) - (y * sin[d]);
            rotated[half + d] = (y * cos[d]) + (x * sin[d]);
        }

        for (d = 2 * half; d < step->HeadSize; d++)
            rotated[d] = source[d];
    }
}
