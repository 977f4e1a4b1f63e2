using System.Runtime.CompilerServices;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>Puts the rows of new tokens into their blocks: the latent normalised, the other part turned.</summary>
internal static unsafe class LatentCacheWriter<TVector, TOps, TElement>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
    where TElement : struct, ICacheElement
{
    /// <summary>Body of a write unit: a stride of the step's tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(LatentAttentionStep* step, nint stride)
    {
        var first = (int)stride * LatentAttentionKernel.WriteTokens;
        var end = Math.Min(first + LatentAttentionKernel.WriteTokens, step->Paged.TokenCount);
        for (var sequence = 0; sequence < step->Paged.SequenceCount; sequence++)
        {
            var begin = step->Paged.CumulativeLengths[sequence];
            var behind = Math.Min(step->Paged.CumulativeLengths[sequence + 1], end);
            for (var token = Math.Max(begin, first); token < behind; token++)
                Write(step, sequence, token, step->Paged.PastLengths[sequence] + token - begin);
        }
    }

    private static void Write(LatentAttentionStep* step, int sequence, int token, int position)
    {
        var (rank, stored) = (step->Rank, step->RotaryStored);
        var blockTokens = step->Paged.BlockTokens;
        var offset = position % blockTokens;
        long block = step->Paged.BlockTable[((long)sequence * step->Paged.BlockTableWidth) + (position / blockTokens)];
        var row = step->Latents + ((long)token * (rank + step->RotarySize));
        var buffer = stackalloc float[LatentShape.RankMax];

        HeadPreparation<TVector, TOps>.Normalize(row, step->Paged.KeyNorm, step->Paged.NormEpsilon, rank, buffer);
        Store(buffer, rank, step->Paged.ValueCache + (block * step->LatentBlockBytes), blockTokens, offset);

        new Span<float>(buffer, stored).Clear();
        RotaryEmbedding<TVector, TOps>.Rotate(
            &step->Paged, row + rank, step->Paged.RotaryByToken ? token : position, step->RotarySize, buffer);
        Store(buffer, stored, step->Paged.KeyCache + (block * step->RotaryBlockBytes), blockTokens, offset);
    }

    private static void Store(float* source, int count, byte* block, int blockTokens, int offset) =>
        PagedCacheWriter<TVector, TOps, TElement>.Narrow(
            source, count, block + ((long)offset * count * TElement.Bytes),
            (float*)(block + ((long)blockTokens * count * TElement.Bytes)) + offset);
}
