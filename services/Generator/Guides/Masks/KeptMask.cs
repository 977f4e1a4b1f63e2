using System.Numerics;
using System.Runtime.InteropServices;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// A mask that is kept: as the few words in which it differs from none or from one that the vocabulary holds anyway; the whole only where
/// they are many. Nearly all masks are near one of the two, and what a guide keeps is what the garbage collector has to carry.
/// </summary>
internal sealed class KeptMask
{
    /// <summary>Differing words that are kept as such, of so many: each takes twice the place of a whole mask's.</summary>
    private const int WordsPerDifference = 4;

    private readonly uint[]? _near;
    private readonly int[] _places;
    private readonly uint[] _words;

    /// <summary>Keeps a mask.</summary>
    /// <param name="mask">The mask.</param>
    /// <param name="near">One of the same length that it may be near to, which never changes.</param>
    public KeptMask(ReadOnlySpan<uint> mask, uint[] near)
    {
        var (some, different) = Count(mask, near);
        _near = different < some ? near : null;
        var count = Math.Min(some, different);
        if (count > mask.Length / WordsPerDifference)
        {
            (_near, _places, _words) = (mask.ToArray(), [], []);
            Bytes = mask.Length * sizeof(uint);
            return;
        }

        (_places, _words) = (new int[count], new uint[count]);
        Bytes = count * (sizeof(int) + sizeof(uint));
        for (var (word, at) = (0, 0); at < count; word++)
        {
            if (mask[word] != (_near is null ? 0 : _near[word]))
                (_places[at], _words[at++]) = (word, mask[word]);
        }
    }

    /// <summary>Bytes of memory that it holds, roughly.</summary>
    public int Bytes { get; }

    /// <summary>Writes the mask.</summary>
    public void CopyTo(Span<uint> mask)
    {
        if (_near is null)
            mask.Clear();
        else
            _near.CopyTo(mask);
        for (var i = 0; i < _places.Length; i++)
            mask[_places[i]] = _words[i];
    }

    /// <summary>Words that hold some token, and words that differ.</summary>
    private static (int Some, int Different) Count(ReadOnlySpan<uint> mask, ReadOnlySpan<uint> near)
    {
        var (some, different) = (Vector<uint>.Zero, Vector<uint>.Zero);
        var left = MemoryMarshal.Cast<uint, Vector<uint>>(mask);
        var right = MemoryMarshal.Cast<uint, Vector<uint>>(near);
        for (var i = 0; i < left.Length; i++)
        {
            some -= Vector.GreaterThan(left[i], Vector<uint>.Zero);
            different -= Vector.GreaterThan(left[i] ^ right[i], Vector<uint>.Zero);
        }

        var counts = (Some: (int)Vector.Sum(some), Different: (int)Vector.Sum(different));
        for (var word = left.Length * Vector<uint>.Count; word < mask.Length; word++)
        {
            counts.Some += mask[word] != 0 ? 1 : 0;
            counts.Different += mask[word] != near[word] ? 1 : 0;
        }

        return counts;
    }
}
