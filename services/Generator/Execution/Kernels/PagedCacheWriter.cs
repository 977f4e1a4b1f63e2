using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>Puts new keys and values into their blocks, for one vector width and kind of cache.</summary>
internal static unsafe class PagedCacheWriter<TVector, TOps, TElement>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
    where TElement : struct, ICacheElement
{
    /// <summary>Body of a write unit.</summary>
    public static void Write(PagedAttentionStep* step, nint index)
    {
        var unit = step->Plan.Writes + index;
        Write(step, unit, unit->FirstToken, unit->TokenCount);
    }

    /// <summary>Writes the keys, rotated, and values of some of a sequence's new tokens into their blocks, for one head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(PagedAttentionStep* step, AttentionUnit* unit, int firstToken, int tokens)
    {
        var headSize = step->HeadSize;
        var blockTokens = step->BlockTokens;
        var blocks = step->BlockTable + ((long)unit->Sequence * step->BlockTableWidth);
        var buffer = stackalloc float[2 * PagedAttentionStep.HeadSizeMax];
        var numbers = (byte*)(buffer + PagedAttentionStep.HeadSizeMax);
        for (var token = firstToken; token < firstToken + tokens; token++)
        {
            var position = step->PastLengths[unit->Sequence] + token;
            var offset = position % blockTokens;
            var block = (((long)blocks[position / blockTokens] * step->KeyValueHeads) + unit->Head) * step->BlockBytes;
            var row = step->Qkv + ((long)(step->CumulativeLengths[unit->Sequence] + token) * step->QkvWidth);
            var key = row + ((step->QueryHeads + unit->Head) * headSize);
            HeadPreparation<TVector, TOps>.Prepare(
                step, key, step->KeyNorm, step->CumulativeLengths[unit->Sequence] + token, position, buffer);
            Narrow(buffer, headSize, numbers, Scale(step, step->KeyCache + block, offset));
            Scatter(numbers, step->KeyCache + block + (offset * TElement.Bytes), headSize, blockTokens);

            var value = step->KeysAreValues ? key : key + (step->KeyValueHeads * headSize);
            if (step->NormalizesValues)
            {
                HeadPreparation<TVector, TOps>.Normalize(value, null, step->NormEpsilon, headSize, buffer);
                value = buffer;
            }

            var values = step->ValueCache + block;
            Narrow(value, headSize, values + ((long)offset * headSize * TElement.Bytes), Scale(step, values, offset));
        }
    }

    /// <summary>Where the scale of a token lies, behind the block's numbers.</summary>
    private static float* Scale(PagedAttentionStep* step, byte* block, int offset) =>
        (float*)(block + ((long)step->BlockTokens * step->HeadSize * TElement.Bytes)) + offset;

    /// <summary>Rounds a head's numbers to those of the cache, and stores their scale where it has any.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Narrow(float* source, int headSize, byte* destination, float* scaleTarget)
    {
        var factor = 1f;
        if (TElement.HasScales)
        {
            var largest = TOps.Broadcast(0);
            for (var d = 0; d < headSize; d += TOps.Width)
                largest = TOps.Max(largest, TOps.Abs(TOps.Load(source + d)));
            var scale = TOps.MaxAcross(largest, largest, largest, largest)[0] / 127;
            // Too small for a reciprocal: all of the head's numbers are nothing.
            factor = scale < 1e-36f ? 0 : 1 / scale;
            *scaleTarget = scale;
        }

        for (var d = 0; d < headSize; d += TOps.Width)
        {
            var value = TOps.Load(source + d);
            if (TElement.HasScales)
                value = TOps.Multiply(value, TOps.Broadcast(factor));
            TElement.Store<TVector, TOps>(destination + (d * TElement.Bytes), value);
        }
    }

    /// <summary>Puts a key's numbers a block's row apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Scatter(byte* numbers, byte* keys, int headSize, int blockTokens)
    {
        for (var d = 0; d < headSize; d++)
        {
            var target = keys + ((long)d * blockTokens * TElement.Bytes);
            if (TElement.Bytes == sizeof(float))
                *(float*)target = ((float*)numbers)[d];
            else if (TElement.Bytes == sizeof(short))
                *(short*)target = ((short*)numbers)[d];
            else
                *target = numbers[d];
        }
    }
}
