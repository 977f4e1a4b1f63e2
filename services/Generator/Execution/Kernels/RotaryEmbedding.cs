using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>Rotary positions for one vector width.</summary>
internal static unsafe class RotaryEmbedding<TVector, TOps>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
{
    /// <summary>
    /// Rotates the pairs (d, d + half) of a head, or where they are neighbours (2d, 2d + 1), by the angles of a row of the tables;
    /// dimensions beyond are copied.
    /// </summary>
    public static void Rotate(PagedAttentionStep* step, float* source, int row, float* rotated) =>
        Rotate(step, source, row, step->HeadSize, rotated);

    /// <summary>The same of a head of another size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rotate(PagedAttentionStep* step, float* source, int row, int headSize, float* rotated)
    {
        var half = step->RotaryHalf;
        var cos = step->Cos + ((long)row * half);
        var sin = step->Sin + ((long)row * half);
        if (step->RotaryInterleaved)
        {
            RotateNeighbours(source, cos, sin, half, rotated);
            Copy(source, 2 * half, headSize, rotated);
            return;
        }

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

        Copy(source, 2 * half, headSize, rotated);
    }

    private static void RotateNeighbours(float* source, float* cos, float* sin, int half, float* rotated)
    {
        for (var d = 0; d < half; d++)
        {
            var (x, y) = (source[2 * d], source[(2 * d) + 1]);
            rotated[2 * d] = (x * cos[d]) - (y * sin[d]);
            rotated[(2 * d) + 1] = (y * cos[d]) + (x * sin[d]);
        }
    }

    private static void Copy(float* source, int first, int end, float* target)
    {
        for (var d = first; d < end; d++)
            target[d] = source[d];
    }
}
