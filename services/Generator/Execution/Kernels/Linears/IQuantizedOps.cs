namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// The vector operations of the quantised linear, so that one kernel text serves every instruction set; resolved and inlined by the
/// JIT. Integer parts are exact and float parts the same correctly rounded operations, so all variants give the same bits.
/// </summary>
/// <typeparam name="TInt">Bytes: four inputs of each output. Sums: 32 bits, or pairs of 16, of each output.</typeparam>
/// <typeparam name="TFloat">One float of each output.</typeparam>
internal unsafe interface IQuantizedOps<TInt, TFloat>
    where TInt : struct
    where TFloat : struct
{
    /// <summary>Outputs per vector; divides 16.</summary>
    static abstract int Width { get; }

    /// <summary>Rows of a full tile: as many as the registers hold sums for.</summary>
    static abstract int TileRows { get; }

    /// <summary>Whether <see cref="RunRow"/> is there, which is faster than the tile of one row.</summary>
    static virtual bool HasRow => false;

    /// <summary>Fills the sums of a tile of one row, whose codes are numbers in groups of 32 and more.</summary>
    static virtual void RunRow(QuantizedTile* tile) => throw new NotSupportedException("a tile of one row is one of many");

    static abstract TInt LoadCodes(byte* codes);

    /// <summary>The low nibble of each byte.</summary>
    static abstract TInt Low(TInt codes);

    /// <summary>The high nibble of each byte.</summary>
    static abstract TInt High(TInt codes);

    /// <summary>What each byte of nibbles stands for in a table of sixteen bytes from 0 to 15.</summary>
    /// <param name="table">The sixteen bytes, four times over.</param>
    /// <param name="nibbles">What <see cref="Low"/> and <see cref="High"/> give.</param>
    static abstract TInt LookUp(byte* table, TInt nibbles);

    /// <summary>Four activations for every output.</summary>
    static abstract TInt Broadcast(sbyte* activations);

    /// <summary>low · first + high · second.</summary>
    static abstract TInt Multiply(TInt low, TInt first, TInt high, TInt second);

    /// <summary>sum + low · first + high · second, for at most 32 inputs in all: 8 pairs of at most 2 · 15 · 127 in 16 bits.</summary>
    static abstract TInt Accumulate(TInt sum, TInt low, TInt first, TInt high, TInt second);

    /// <summary>What was accumulated, as 32-bit sums.</summary>
    static abstract TInt Widen(TInt sum);

    static abstract TInt LoadSums(int* source);

    static abstract void Store(int* destination, TInt sums);

    static abstract TInt Add(TInt left, TInt right);

    static abstract TFloat ToFloat(TInt sums);

    /// <summary>IEEE halves as floats, exactly, times a power of two / 2^112.</summary>
    static abstract TFloat LoadHalves(ushort* halves, TFloat factor);

    static abstract TFloat Broadcast(float value);

    static abstract TFloat Load(float* source);

    static abstract void Store(float* destination, TFloat value);

    static abstract TFloat Multiply(TFloat left, TFloat right);

    /// <summary>left × right + addend, rounded once.</summary>
    static abstract TFloat MultiplyAdd(TFloat left, TFloat right, TFloat addend);
}
