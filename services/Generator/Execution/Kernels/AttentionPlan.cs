namespace Parley.Generator.Execution.Kernels;

/// <summary>
/// The units of one step. The plan decides only who computes what and when: any plan gives the same bits, so it may look at the whole
/// batch.
/// </summary>
internal unsafe struct AttentionPlan
{
    /// <summary>Units that write what several units read, keys and values of chunks; all before the first of <see cref="Units"/>.</summary>
    public AttentionUnit* Writes;

    /// <summary>Units that attend, in any order.</summary>
    public AttentionUnit* Units;

    public AttentionSplit* Splits;

    /// <summary>States of the splits' segments.</summary>
    public float* Partials;

    public int WriteCount;

    public int UnitCount;

    /// <summary>Multiply-adds of a step, nearly.</summary>
    public long Work;

    private int _splitCount;
    private long _partialFloats;

    /// <summary>Lays out a step whose arguments are checked; the plan lives in the calling thread's scratch until its next one.</summary>
    public static void Create(PagedAttentionStep* step)
    {
        var plan = default(AttentionPlan);
        long rowKeys = 0, units = 0, segments = 0, writes = 0;
        for (var sequence = 0; sequence < step->SequenceCount; sequence++)
        {
            var tiles = TileCount(step, sequence);
            units += tiles;
            writes += tiles > 1 && !step->ReadsOnly ? tiles : 0;
            for (var tile = 0; tile < tiles; tile++)
            {
                var unit = Tile(step, sequence, tile);
                rowKeys += Cost(step, unit);
                segments += Segments(unit);
            }
        }

        plan.Work = rowKeys * step->KeyValueHeads * step->HeadSize * 2;
        var partCost = Math.Max(rowKeys * step->KeyValueHeads / PagedAttentionKernel.UnitsWanted, 1);
        var heads = step->KeyValueHeads;
        plan.Units = AttentionScratch.Units((int)((segments + writes) * heads));
        plan.Writes = plan.Units + (segments * heads);
        plan.Splits = AttentionScratch.Splits((int)units * heads);
        for (var sequence = 0; sequence < step->SequenceCount; sequence++)
        {
            var tiles = TileCount(step, sequence);
            for (var head = 0; head < heads; head++)
            {
                for (var tile = 0; tile < tiles; tile++)
                {
                    var unit = Tile(step, sequence, tile);
                    unit.Head = head;
                    unit.Writes = tiles == 1 && !step->ReadsOnly;
                    if (tiles > 1 && !step->ReadsOnly)
                        plan.Writes[plan.WriteCount++] = unit;
                    plan.Add(step, unit, (int)Math.Min((Cost(step, unit) + partCost - 1) / partCost, Segments(unit)));
                }
            }
        }

        plan.Partials = AttentionScratch.Partials(plan._partialFloats);
        step->Plan = plan;
    }

    private void Add(PagedAttentionStep* step, AttentionUnit unit, int parts)
    {
        const int Segment = PagedAttentionKernel.SegmentTokens;
        unit.Split = -1;
        if (parts <= 1)
        {
            Units[UnitCount++] = unit;
            return;
        }

        var segments = Segments(unit);
        Splits[_splitCount] = new AttentionSplit
        {
            Pending = parts,
            FirstKey = unit.FirstKey,
            SegmentCount = segments,
            Offset = _partialFloats,
        };
        unit.Split = _splitCount++;
        _partialFloats += segments * PagedAttentionKernel.StateFloats(unit.TokenCount * step->GroupSize, step->HeadSize);
        var (first, end) = (unit.FirstKey, unit.EndKey);
        for (var part = 0; part < parts; part++)
        {
            unit.FirstKey = first + (segments * part / parts * Segment);
            unit.EndKey = Math.Min(first + (segments * (part + 1) / parts * Segment), end);
            Units[UnitCount++] = unit;
        }
    }

    private static int TileCount(PagedAttentionStep* step, int sequence)
    {
        var tokensPerTile = PagedAttentionKernel.TokensPerTile(step->GroupSize);
        return (step->CumulativeLengths[sequence + 1] - step->CumulativeLengths[sequence] + tokensPerTile - 1) / tokensPerTile;
    }

    private static AttentionUnit Tile(PagedAttentionStep* step, int sequence, int tile)
    {
        var tokensPerTile = PagedAttentionKernel.TokensPerTile(step->GroupSize);
        var newTokens = step->CumulativeLengths[sequence + 1] - step->CumulativeLengths[sequence];
        var firstToken = tile * tokensPerTile;
        var tokens = Math.Min(tokensPerTile, newTokens - firstToken);
        var firstPosition = step->PastLengths[sequence] + firstToken;
        var firstKey = step->WindowTokens == 0 ? 0 : Math.Max(firstPosition + 1 - step->WindowTokens, 0);
        return new AttentionUnit
        {
            Sequence = sequence,
            FirstToken = firstToken,
            TokenCount = tokens,
            FirstKey = firstKey / PagedAttentionKernel.SegmentTokens * PagedAttentionKernel.SegmentTokens,
            EndKey = firstPosition + tokens,
        };
    }

    private static int Segments(AttentionUnit unit) =>
        (unit.EndKey - unit.FirstKey + PagedAttentionKernel.SegmentTokens - 1) / PagedAttentionKernel.SegmentTokens;

    /// <summary>Pairs of rows and keys, the rows in whole groups.</summary>
    private static long Cost(PagedAttentionStep* step, AttentionUnit unit) =>
        (long)PagedAttentionKernel.PaddedRows(unit.TokenCount * step->GroupSize) * (unit.EndKey - unit.FirstKey);
}
