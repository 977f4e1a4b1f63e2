using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Masks;

/// <summary>
/// The masks of places that a guide has met lately. A place's mask is always the same; members of objects and items of arrays come back to
/// theirs.
/// </summary>
/// <param name="near">The mask that they may be near to.</param>
internal sealed class KeptMasks(uint[] near)
{
    private const int CountMax = 256;
    private const int BytesMax = 512 << 10;

    private readonly Dictionary<Place, KeptMask> _masks = [];

    /// <summary>Bytes of memory that they hold by now, roughly.</summary>
    public long Bytes { get; private set; }

    /// <summary>Writes the mask of a place, where it is kept.</summary>
    public bool TryCopy(Place place, Span<uint> mask)
    {
        if (!_masks.TryGetValue(place, out var kept))
            return false;
        kept.CopyTo(mask);
        return true;
    }

    /// <summary>Keeps the mask of a place that has none yet; all others go where they are many.</summary>
    public void Add(Place place, ReadOnlySpan<uint> mask)
    {
        var kept = new KeptMask(mask, near);
        if (_masks.Count == CountMax || Bytes + kept.Bytes > BytesMax)
        {
            _masks.Clear();
            Bytes = 0;
        }

        _masks.Add(place, kept);
        Bytes += kept.Bytes;
    }
}
