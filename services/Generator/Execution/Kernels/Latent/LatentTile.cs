using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>Where latents and turned parts of one tile of positions lie: a pointer per run of positions within one block.</summary>
internal unsafe struct LatentTile
{
    private const int KeyTile = PagedAttentionKernel.KeyTile;

    /// <summary>Latents of each run, one position after the other.</summary>
    public fixed long Latents[KeyTile / 16];

    /// <summary>Turned parts of each run.</summary>
    public fixed long Rotated[KeyTile / 16];

    /// <summary>Positions per run.</summary>
    public int RunTokens;

    /// <summary>Looks the tile up in a sequence's blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Find<TElement>(LatentAttentionStep* step, int sequence, int start, int endKey)
        where TElement : struct, ICacheElement
    {
        var blocks = step->Paged.BlockTable + ((long)sequence * step->Paged.BlockTableWidth);
        var blockTokens = step->Paged.BlockTokens;
        RunTokens = Math.Min(blockTokens, KeyTile);
        var end = Math.Min(start + KeyTile, endKey);
        for (int position = start, run = 0; position < end; position += RunTokens, run++)
        {
            var offset = position % blockTokens;
            long block = blocks[position / blockTokens];
            Latents[run] = (long)(step->Paged.ValueCache + (block * step->LatentBlockBytes) + ((long)offset * step->Rank * TElement.Bytes));
            Rotated[run] = (long)(step->Paged.KeyCache + (block * step->RotaryBlockBytes)
                + ((long)offset * step->RotaryStored * TElement.Bytes));
        }
    }

    /// <summary>The same in float32, scales applied, and points to the copies.</summary>
    /// <param name="step">The call.</param>
    /// <param name="sequence">Whose blocks.</param>
    /// <param name="start">The first position.</param>
    /// <param name="endKey">The position behind the last that is there.</param>
    /// <param name="memory">Takes <see cref="KeyTile"/> rows.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Widen<TVector, TOps, TElement>(LatentAttentionStep* step, int sequence, int start, int endKey, float* memory)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TElement : struct, ICacheElement
    {
        var blocks = step->Paged.BlockTable + ((long)sequence * step->Paged.BlockTableWidth);
        var blockTokens = step->Paged.BlockTokens;
        var (rank, stored) = (step->Rank, step->RotaryStored);
        var latents = memory;
        var rotated = memory + (KeyTile * rank);
        var end = Math.Min(start + KeyTile, endKey);
        for (var position = start; position < end; position++)
        {
            var offset = position % blockTokens;
            long block = blocks[position / blockTokens];
            Widen<TVector, TOps, TElement>(
                step->Paged.ValueCache + (block * step->LatentBlockBytes), blockTokens, offset, rank,
                latents + ((position - start) * rank));
            Widen<TVector, TOps, TElement>(
                step->Paged.KeyCache + (block * step->RotaryBlockBytes), blockTokens, offset, stored,
                rotated + ((position - start) * stored));
        }

        (Latents[0], Rotated[0], RunTokens) = ((long)latents, (long)rotated, KeyTile);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<TVector, TOps, TElement>(byte* block, int blockTokens, int offset, int count, float* target)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TElement : struct, ICacheElement
    {
        var source = block + ((long)offset * count * TElement.Bytes);
        var scale = TOps.Broadcast(TElement.HasScales ? ((float*)(block + ((long)blockTokens * count * TElement.Bytes)))[offset] : 1);
        for (var d = 0; d < count; d += TOps.Width)
        {
            var value = TElement.Load<TVector, TOps>(source + (d * TElement.Bytes));
            TOps.Store(target + d, TElement.HasScales ? TOps.Multiply(value, scale) : value);
        }
    }
}
