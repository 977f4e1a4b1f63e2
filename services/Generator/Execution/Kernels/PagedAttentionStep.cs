namespace Parley.Generator.Execution.Kernels;

/// <summary>
/// The arguments of one attention call as plain pointers. Tokens of all sequences lie one after another; sequence i owns the tokens
/// [<see cref="CumulativeLengths"/>[i], [i + 1]) and they stand at the positions from <see cref="PastLengths"/>[i] on.
/// </summary>
internal unsafe struct PagedAttentionStep
{
    public const int HeadSizeMax = 512;

    /// <summary>
    /// Packed rows [tokens, (query heads + 2 · key/value heads) · head size]: queries, keys, values, before rotation; without values where
    /// <see cref="KeysAreValues"/>, without either where <see cref="ReadsOnly"/>.
    /// </summary>
    public float* Qkv;

    /// <summary>
    /// Keys [blocks, key/value heads, head size, block tokens]: positions are innermost, so that scores need no sum across lanes.
    /// In int8 the scales [block tokens] follow the numbers of each block and head.
    /// </summary>
    public byte* KeyCache;

    /// <summary>Values [blocks, key/value heads, block tokens, head size], and in int8 their scales likewise.</summary>
    public byte* ValueCache;

    /// <summary>How the cache's numbers lie in memory.</summary>
    public KvCachePrecision CachePrecision;

    /// <summary>Running sum of new tokens [sequences + 1].</summary>
    public int* CumulativeLengths;

    /// <summary>Tokens in the cache already [sequences].</summary>
    public int* PastLengths;

    /// <summary>Block ids [sequences, <see cref="BlockTableWidth"/>].</summary>
    public int* BlockTable;

    /// <summary>
    /// Cosines [<see cref="PositionsMax"/>, <see cref="RotaryHalf"/>]; a row per token of the step where <see cref="RotaryByToken"/>.
    /// </summary>
    public float* Cos;

    /// <summary>Sines, of the same shape.</summary>
    public float* Sin;

    /// <summary>Weights [head size] of the norm of each query head; null for none.</summary>
    public float* QueryNorm;

    /// <summary>Weights [head size] of the norm of each key head; null for none.</summary>
    public float* KeyNorm;

    /// <summary>A logit per query head that takes part in the softmax and has no value [query heads]; null for none.</summary>
    public float* Sinks;

    /// <summary>The result [tokens, query heads · head size].</summary>
    public float* Output;

    public int TokenCount;
    public int SequenceCount;
    public int BlockTableWidth;
    public int BlockCount;
    public int BlockTokens;
    public int QueryHeads;
    public int KeyValueHeads;
    public int HeadSize;

    /// <summary>Pairs that are rotated in each head; 0 is no rotation.</summary>
    public int RotaryHalf;

    /// <summary>Rows of the cosine table.</summary>
    public int PositionsMax;

    /// <summary>Pairs that are rotated are neighbours, not half of the rotated dimensions apart.</summary>
    public bool RotaryInterleaved;

    /// <summary>The cosine table has a row per token of the step.</summary>
    public bool RotaryByToken;

    /// <summary>Norms of queries and keys come behind the rotation.</summary>
    public bool NormAfterRotary;

    /// <summary>Added to the mean of squares in them.</summary>
    public float NormEpsilon;

    /// <summary>Values get the norm of a root mean square, too, without weights.</summary>
    public bool NormalizesValues;

    /// <summary>Values are the keys before their norm and rotation.</summary>
    public bool KeysAreValues;

    /// <summary>The cache is another layer's, which has written this step's keys and values already.</summary>
    public bool ReadsOnly;

    /// <summary>Queries are multiplied by 1 + this · ln(1 + ⌊position / <see cref="QueryPositions"/>⌋); 0 leaves them.</summary>
    public float QueryBeta;

    /// <summary>Positions over which that factor stays the same.</summary>
    public int QueryPositions;

    /// <summary>Factor on query · key.</summary>
    public float Scale;

    /// <summary>Positions that a token attends to, itself included; 0 is all.</summary>
    public int WindowTokens;

    /// <summary>Scores become softcap · tanh(score / softcap); 0 leaves them.</summary>
    public float Softcap;

    /// <summary>The units of this step; <see cref="AttentionPlan.Create"/> lays them out.</summary>
    public AttentionPlan Plan;

    /// <summary>Query heads that share a key/value head.</summary>
    public readonly int GroupSize => QueryHeads / KeyValueHeads;

    /// <summary>Floats of one packed row.</summary>
    public readonly int QkvWidth => (QueryHeads + (ReadsOnly ? 0 : KeysAreValues ? KeyValueHeads : 2 * KeyValueHeads)) * HeadSize;

    /// <summary>Bytes of the keys, or of the values, of one block and head.</summary>
    public readonly long BlockBytes => (long)BlockTokens * KvCacheFormat.HeadBytes(CachePrecision, HeadSize);

    /// <summary>
    /// What is wrong with the arguments, or null. Checked before a byte is written: a wrong block id would corrupt memory.
    /// </summary>
    public readonly string? FindFault()
    {
        if (HeadSize <= 0 || HeadSize % 16 != 0 || HeadSize > HeadSizeMax)
            return $"the head size is {HeadSize}, not a multiple of 16 up to {HeadSizeMax}";
        if (KeyValueHeads <= 0 || QueryHeads % KeyValueHeads != 0)
            return $"{QueryHeads} query heads are not a multiple of {KeyValueHeads} key/value heads";
        if (RotaryHalf < 0 || 2 * RotaryHalf > HeadSize)
            return $"cos_cache has {RotaryHalf} columns, more than half the head size {HeadSize}";
        return FindBatchFault();
    }

    /// <summary>The same of what does not depend on heads: blocks, sequences, positions.</summary>
    public readonly string? FindBatchFault()
    {
        if (BlockTokens < 16 || (BlockTokens & (BlockTokens - 1)) != 0)
            return $"the block size is {BlockTokens}, not a power of two of at least 16";
        if (RotaryByToken && PositionsMax != TokenCount)
            return $"cos_cache has {PositionsMax} rows for {TokenCount} tokens";
        var (begin, end) = (CumulativeLengths[0], CumulativeLengths[SequenceCount]);
        if (begin != 0 || end != TokenCount)
            return $"cumulative_sequence_length runs from {begin} to {end}, not from 0 to {TokenCount}";
        for (var i = 0; i < SequenceCount; i++)
        {
            if (FindFault(i) is { } fault)
                return fault;
        }

        return null;
    }

    private readonly string? FindFault(int sequence)
    {
        var newTokens = (long)CumulativeLengths[sequence + 1] - CumulativeLengths[sequence];
        var past = PastLengths[sequence];
        if (newTokens < 0 || CumulativeLengths[sequence + 1] > TokenCount)
            return $"cumulative_sequence_length descends or runs over at sequence {sequence}";
        if (past < 0)
            return $"past_seqlens of sequence {sequence} is {past}";
        var total = past + newTokens;
        if (RotaryHalf > 0 && !RotaryByToken && total > PositionsMax)
            return $"sequence {sequence} would be {total} tokens long, the model has {PositionsMax} positions";
        var blocks = (total + BlockTokens - 1) / BlockTokens;
        if (blocks > BlockTableWidth)
            return $"sequence {sequence} of {total} tokens needs {blocks} blocks, block_table has {BlockTableWidth} columns";
        var row = BlockTable + ((long)sequence * BlockTableWidth);
        for (var i = 0; i < blocks; i++)
        {
            if ((uint)row[i] >= (uint)BlockCount)
                return $"block {i} of sequence {sequence} is {row[i]}, the cache has {BlockCount}";
        }

        return null;
    }
}
