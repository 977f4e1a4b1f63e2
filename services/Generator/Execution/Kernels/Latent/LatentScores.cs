using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>Query · row of four queries and a tile of positions, for one vector width.</summary>
/// <remarks>
/// Each score is a chain of multiply-adds per lane over the latent, then over the turned part, and one sum across the lanes: its bits
/// depend on nothing beside it.
/// </remarks>
internal static unsafe class LatentScores<TVector, TOps>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
{
    private const int KeyTile = PagedAttentionKernel.KeyTile;

    /// <summary>Fills scores [4, KeyTile]; only those of visible positions mean anything.</summary>
    /// <param name="queries">Four packed queries [4, rank + stored].</param>
    /// <param name="tile">The positions, in float32.</param>
    /// <param name="rank">Numbers of the latent.</param>
    /// <param name="stored">Numbers of the turned part.</param>
    /// <param name="first">The first position of the tile that some row attends to.</param>
    /// <param name="end">The position behind the last.</param>
    /// <param name="scores">The result.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Compute(float* queries, LatentTile* tile, int rank, int stored, int first, int end, float* scores)
    {
        var width = rank + stored;
        float* qa = queries, qb = qa + width, qc = qb + width, qd = qc + width;
        // Two positions never lie in two runs: runs are of 16 at least.
        for (var i = first & ~1; i < end; i += 2)
        {
            var run = i / tile->RunTokens;
            var within = i & (tile->RunTokens - 1);
            var left = (float*)tile->Latents[run] + (within * rank);
            var right = left + rank;
            TVector a0 = TOps.Broadcast(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
            for (int d = 0, lane = 0; d < width; d += TOps.Width, lane += TOps.Width)
            {
                if (d == rank)
                {
                    left = (float*)tile->Rotated[run] + (within * stored);
                    right = left + stored;
                    lane = 0;
                }

                TVector k0 = TOps.Load(left + lane), k1 = TOps.Load(right + lane);
                var q = TOps.Load(qa + d);
                a0 = TOps.MultiplyAdd(q, k0, a0);
                a1 = TOps.MultiplyAdd(q, k1, a1);
                q = TOps.Load(qb + d);
                b0 = TOps.MultiplyAdd(q, k0, b0);
                b1 = TOps.MultiplyAdd(q, k1, b1);
                q = TOps.Load(qc + d);
                c0 = TOps.MultiplyAdd(q, k0, c0);
                c1 = TOps.MultiplyAdd(q, k1, c1);
                q = TOps.Load(qd + d);
                d0 = TOps.MultiplyAdd(q, k0, d0);
                d1 = TOps.MultiplyAdd(q, k1, d1);
            }

            Store(scores + i, a0, a1);
            Store(scores + KeyTile + i, b0, b1);
            Store(scores + (2 * KeyTile) + i, c0, c1);
            Store(scores + (3 * KeyTile) + i, d0, d1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* scores, TVector first, TVector second)
    {
        scores[0] = TOps.SumAcross(first);
        scores[1] = TOps.SumAcross(second);
    }
}
