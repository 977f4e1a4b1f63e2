namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>What an adapter adds to one linear, as its kernel reads it: product += B · (A · row). In native memory.</summary>
internal unsafe struct AdapterMatrices
{
    /// <summary>A of all parts, one below the other [rank, inputs].</summary>
    public byte* Down;

    /// <summary>B, sixteen outputs by sixteen: for each of the block's ranks sixteen numbers.</summary>
    public byte* Up;

    /// <summary>The ranks of each block of sixteen outputs.</summary>
    public AdapterBlock* Blocks;

    /// <summary>Ranks of all parts together; 0 where the adapter leaves the linear alone.</summary>
    public int Rank;

    /// <summary>Numbers are the upper halves of floats.</summary>
    public bool IsNarrow;

    /// <summary>Bytes of a number.</summary>
    public readonly int ElementBytes => IsNarrow ? sizeof(ushort) : sizeof(float);
}
