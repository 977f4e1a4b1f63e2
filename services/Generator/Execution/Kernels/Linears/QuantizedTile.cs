namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>What a tile works on: two streams of weights, and some rows of activations that meet both.</summary>
internal unsafe struct QuantizedTile
{
    /// <summary>Inputs whose sums fit 16 bits; a smaller group ends its run before.</summary>
    public const int RunInputs = 32;

    public byte* FirstCodes;
    public byte* SecondCodes;
    public ushort* FirstHalves;
    public ushort* SecondHalves;

    /// <summary>On the scales of a stream; holds the 2^112 that make a float of a half's bits.</summary>
    public float FirstFactor;
    public float SecondFactor;

    /// <summary>Minimum over scale, where none are stored; of planes that share a minimum, what each plane has beside it.</summary>
    public float FirstMinimum;
    public float SecondMinimum;

    /// <summary>Whether groups have a stored minimum behind their scale.</summary>
    public bool HasMinima;

    /// <summary>
    /// Whether it is one for both streams, which are the planes of the same weights; the second's factor is then that of halves.
    /// </summary>
    public bool SharesMinima;

    /// <summary>Halves from one group to the next.</summary>
    public int GroupHalves;

    /// <summary>
    /// What the codes of a stream stand for, in forms that have levels: sixteen nibbles, four times over. Both streams then have the
    /// same codes.
    /// </summary>
    public byte* FirstTable;
    public byte* SecondTable;

    /// <summary>[inputs / 8, rows, 8].</summary>
    public sbyte* Activations;

    /// <summary>[groups, rows, 2].</summary>
    public float* Parameters;

    /// <summary>Results [rows, 2, 16], added to.</summary>
    public float* Sums;

    /// <summary>Integer sums of the group at work [rows, 2, 16]: registers hold only those of 32 inputs.</summary>
    public int* GroupSums;

    public int Groups;

    /// <summary>Runs per group.</summary>
    public int GroupRuns;

    /// <summary>Bytes between where a stream begins and what is prefetched from there on.</summary>
    public nint Ahead;

    /// <summary>The same of scales.</summary>
    public nint ScalesAhead;

    /// <summary>
    /// Bytes by which prefetching goes on with each vector: all of them where one tile fetches what comes next, a part where several do,
    /// 0 where nothing is to fetch any more.
    /// </summary>
    public nint AheadStep;

    /// <summary>Tiles that share the fetching, this one included, and the bytes of a stream that each fetches.</summary>
    public int AheadParts;
    public nint AheadPart;
}
