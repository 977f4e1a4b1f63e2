namespace Parley.Tokenizer.Encoders;

/// <summary>
/// Remembers the ids of recent pieces. Direct-mapped, with immutable entries that are replaced by one reference write: no lock, a
/// fixed size, and nothing but speed depends on what it holds. String hashes are seeded, so nobody can choose collisions.
/// </summary>
internal sealed class PieceCache(int entries)
{
    private const int PieceCharactersMax = 48;

    private readonly Entry?[] _entries = new Entry?[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)entries)];

    public bool TryGet(ReadOnlySpan<char> piece, out int[] ids, out int slot)
    {
        if (piece.Length > PieceCharactersMax)
        {
            (ids, slot) = ([], -1);
            return false;
        }

        slot = string.GetHashCode(piece) & (_entries.Length - 1);
        var entry = _entries[slot];
        if (entry is not null && piece.SequenceEqual(entry.Piece))
        {
            ids = entry.Ids;
            return true;
        }

        ids = [];
        return false;
    }

    public void Set(int slot, ReadOnlySpan<char> piece, ReadOnlySpan<int> ids)
    {
        if (slot >= 0)
            _entries[slot] = new Entry(piece.ToString(), ids.ToArray());
    }

    private sealed record Entry(string Piece, int[] Ids);
}
