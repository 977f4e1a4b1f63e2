using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>Puts new keys and values into their blocks, for one vector width.</summary>
internal static unsafe class PagedCacheWriter<TVector, TOps>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
{
    /// <summary>Rotates the keys of one chunk of tokens and one head, and writes them and the values into their blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(PagedAttentionStep* step, nint unit)
    {
        var head = (int)(unit % step->KeyValueHeads);
        var first = (int)(unit / step->KeyValueHeads) * PagedAttentionKernel.WriteTokens;
        var end = Math.Min(first + PagedAttentionKernel.WriteTokens, step->TokenCount);
        var headSize = step->HeadSize;
        var headBytes = headSize * sizeof(float);
        var blockTokens = step->BlockTokens;
        var rotated = AttentionScratch.Tile(headSize);
        var sequence = 0;
        for (var token = first; token < end; token++)
        {
            while (step->CumulativeLengths[sequence + 1] <= token)
                sequence++;
            var position = step->PastLengths[sequence] + token - step->CumulativeLengths[sequence];
            var offset = position % blockTokens;
            var block = step->BlockTable[((long)sequence * step->BlockTableWidth) + (position / blockTokens)];
            var blockStart = (((long)block * step->KeyValueHeads) + head) * headSize * blockTokens;

            var key = step->Qkv + ((long)token * step->QkvWidth) + ((step->QueryHeads + head) * headSize);
            RotaryEmbedding<TVector, TOps>.Rotate(step, key, position, rotated);
            var keys = step->KeyCache + blockStart + offset;
            for (var d = 0; d < headSize; d++)
                keys[(long)d * blockTokens] = rotated[d];

            var value = key + (step->KeyValueHeads * headSize);
            Buffer.MemoryCopy(value, step->ValueCache + blockStart + ((long)offset * headSize), headBytes, headBytes);
        }
    }
}
