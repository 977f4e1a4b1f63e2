namespace Parley.Generator.Execution.Kernels;

/// <summary>Which positions of a tile the four rows of a group see, each a range.</summary>
internal unsafe struct AttentionView
{
    /// <summary>The first position that some row sees.</summary>
    public int First;

    /// <summary>The position behind the last that some row sees.</summary>
    public int End;

    /// <summary>Every row sees every position.</summary>
    public bool IsFull;

    /// <summary>The first position of each row.</summary>
    public fixed int RowFirst[PagedAttentionKernel.RowGroup];

    /// <summary>The position behind the last of each row.</summary>
    public fixed int RowEnd[PagedAttentionKernel.RowGroup];

    /// <summary>Finds what the rows of a group see.</summary>
    /// <returns>False where no row sees anything.</returns>
    public bool Find(int start, int row, int rows, int group, int firstPosition, int windowTokens)
    {
        const int Tile = PagedAttentionKernel.KeyTile;
        (First, End, IsFull) = (Tile, 0, true);
        for (var r = 0; r < PagedAttentionKernel.RowGroup; r++)
        {
            // Rows that pad the group see what the last one sees.
            var position = firstPosition + (Math.Min(row + r, rows - 1) / group) - start;
            RowFirst[r] = windowTokens == 0 ? 0 : Math.Max(position + 1 - windowTokens, 0);
            RowEnd[r] = Math.Min(position + 1, Tile);
            IsFull &= RowFirst[r] == 0 && RowEnd[r] == Tile;
            if (RowFirst[r] < RowEnd[r])
                (First, End) = (Math.Min(First, RowFirst[r]), Math.Max(End, RowEnd[r]));
        }

        return First < End;
    }
}
