namespace Parley.ModelImporter.Forms;

/// <summary>Moves codes of 4 bits eight at a time.</summary>
internal static class Nibbles
{
    /// <summary>Nibble i of a word becomes byte i.</summary>
    public static ulong Spread(uint word)
    {
        ulong spread = word;
        spread = (spread | spread << 16) & 0x0000FFFF0000FFFF;
        spread = (spread | spread << 8) & 0x00FF00FF00FF00FF;
        return (spread | spread << 4) & 0x0F0F0F0F0F0F0F0F;
    }

    /// <summary>Eight rows of eight bytes become their columns: byte i of row j goes to byte j of row i.</summary>
    public static void Transpose(Span<ulong> rows)
    {
        Swap(rows, 4, 32, 0x00000000FFFFFFFF);
        Swap(rows, 2, 16, 0x0000FFFF0000FFFF);
        Swap(rows, 1, 8, 0x00FF00FF00FF00FF);
    }

    private static void Swap(Span<ulong> rows, int distance, int shift, ulong mask)
    {
        for (var i = 0; i < rows.Length; i++)
        {
            if ((i & distance) != 0)
                continue;
            var moved = (rows[i] >> shift ^ rows[i + distance]) & mask;
            rows[i + distance] ^= moved;
            rows[i] ^= moved << shift;
        }
    }
}
