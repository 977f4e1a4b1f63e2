using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>Where the keys, values and scales of one key tile lie.</summary>
internal unsafe struct KeyTilePointers
{
    private const int KeyTile = PagedAttentionKernel.KeyTile;

    /// <summary>For each vector of positions its keys; those beyond the last key repeat it, their scores go unused.</summary>
    public fixed long Keys[KeyTile];

    /// <summary>For each vector of positions the scales of its keys.</summary>
    public fixed long KeyScales[KeyTile];

    /// <summary>For each vector of positions the scales of its values.</summary>
    public fixed long ValueScales[KeyTile];

    /// <summary>For each run of positions within one block its values.</summary>
    public fixed long Values[KeyTile / 16];

    /// <summary>Bytes from one dimension's keys to the next one's.</summary>
    public nint KeyStride;

    /// <summary>Positions per run.</summary>
    public int RunTokens;

    /// <summary>Looks the tile up in the sequence's blocks.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Find<TVector, TOps, TElement>(PagedAttentionStep* step, AttentionUnit* unit, int start)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TElement : struct, ICacheElement
    {
        var blocks = step->BlockTable + ((long)unit->Sequence * step->BlockTableWidth);
        var blockTokens = step->BlockTokens;
        var blockBytes = step->BlockBytes;
        var numbers = (long)blockTokens * step->HeadSize * TElement.Bytes;
        KeyStride = blockTokens * TElement.Bytes;
        RunTokens = Math.Min(blockTokens, KeyTile);
        var end = Math.Min(start + KeyTile, unit->EndKey);
        for (var position = start; position < end; position += RunTokens)
        {
            var offset = position % blockTokens;
            var block = (((long)blocks[position / blockTokens] * step->KeyValueHeads) + unit->Head) * blockBytes;
            var run = (position - start) / RunTokens;
            Values[run] = (long)(step->ValueCache + block + ((long)offset * step->HeadSize * TElement.Bytes));
            var vector = (position - start) / TOps.Width;
            for (var i = 0; i < RunTokens; i += TOps.Width, vector++)
            {
                Keys[vector] = (long)(step->KeyCache + block + ((offset + i) * TElement.Bytes));
                if (TElement.HasScales)
                {
                    KeyScales[vector] = (long)(step->KeyCache + block + numbers + ((offset + i) * sizeof(float)));
                    ValueScales[vector] = (long)(step->ValueCache + block + numbers + ((offset + i) * sizeof(float)));
                }
            }
        }

        // Where the tile is not full, fetching ahead by these pointers must lead somewhere too.
        for (var run = (end - start + RunTokens - 1) / RunTokens; run < KeyTile / RunTokens; run++)
            Values[run] = Values[run - 1];
        var found = (end - start + RunTokens - 1) / RunTokens * RunTokens / TOps.Width;
        for (var i = found; i < KeyTile / TOps.Width; i++)
            Keys[i] = Keys[found - 1];
    }

    /// <summary>Copies keys and values in float32, scales left out, and points to the copies; fetches those of the next tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Widen<TVector, TOps, TElement>(PagedAttentionStep* step, KeyTilePointers* next, int tokens, float* memory)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
        where TElement : struct, ICacheElement
    {
        var headSize = step->HeadSize;
        var target = memory;
        for (var d = 0; d < headSize; d++)
        {
            for (var i = 0; i < KeyTile / TOps.Width; i++, target += TOps.Width)
                TOps.Store(target, TElement.Load<TVector, TOps>((byte*)Keys[i] + (d * KeyStride)));
            Prefetch.Line((byte*)next->Keys[0] + (d * KeyStride));
            Prefetch.Line((byte*)next->Keys[KeyTile / TOps.Width / 2] + (d * KeyStride));
        }

        var values = target;
        tokens = Math.Min(tokens, KeyTile);
        for (var j = 0; j < tokens; j += RunTokens)
        {
            var source = (byte*)Values[j / RunTokens];
            var end = target + ((long)Math.Min(RunTokens, tokens - j) * headSize);
            var ahead = (nint)(next->Values[j / RunTokens] - Values[j / RunTokens]);
            for (; target < end; target += TOps.Width, source += TOps.Width * TElement.Bytes)
            {
                TOps.Store(target, TElement.Load<TVector, TOps>(source));
                Prefetch.Line(source + ahead);
            }
        }

        for (var i = 0; i < KeyTile / TOps.Width; i++)
            Keys[i] = (long)(memory + (i * TOps.Width));
        Values[0] = (long)values;
        (KeyStride, RunTokens) = (KeyTile * sizeof(float), KeyTile);
    }
}
