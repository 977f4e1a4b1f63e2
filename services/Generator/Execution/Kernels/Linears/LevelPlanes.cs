using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>
/// A table of levels as the kernels look it up: level + 128 is a byte, of which one table has the high nibbles and another the low ones.
/// So a code becomes the two nibbles that a weight of 8 bits is stored as, and all arithmetic is that of 8 bits, with the same bits.
/// </summary>
/// <remarks>Whole levels would fill sums of 16 bits with two inputs, 2 · 127 · 127; docs/decisions/0007 has what else there is.</remarks>
internal sealed unsafe class LevelPlanes
{
    /// <summary>Bytes of each of the two tables: sixteen nibbles, four times over, for the widest vector.</summary>
    public const int TableBytes = 64;

    private const int ZeroPoint = 128;

    private readonly byte[] _memory = GC.AllocateArray<byte>(3 * TableBytes, pinned: true);

    public LevelPlanes(LevelTable table)
    {
        Table = table;
        // The array is pinned for its lifetime, so the address outlives the fixed statement.
        fixed (byte* start = _memory)
            Address = (byte*)(((nuint)start + TableBytes - 1) & ~(nuint)(TableBytes - 1));
        for (var i = 0; i < TableBytes; i++)
        {
            var level = table[i % LevelTable.Count] + ZeroPoint;
            Address[i] = (byte)(level >> 4);
            Address[TableBytes + i] = (byte)(level & 15);
        }
    }

    public LevelTable Table { get; }

    /// <summary>The table of high nibbles; that of low ones follows. Valid as long as this object.</summary>
    public byte* Address { get; }
}
