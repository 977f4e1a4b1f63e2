using Parley.PackageFormat;

namespace Parley.ModelImporter.Safetensors;

/// <summary>
/// How the weights of a tensor were rounded, and what a package needs to hold them as they are: codes, and numbers per group of inputs.
/// </summary>
/// <param name="Bits">Bits that hold a code: 4 or 8.</param>
/// <param name="Group">Inputs per scale: 16, 32, 64 or 128.</param>
/// <param name="HasMinima">
/// Whether a group has a minimum, so that weight = scale · code + minimum; else weight = scale · (code − middle).
/// </param>
/// <param name="Levels">What codes stand for, weight = scale · level[code]; null where they are numbers.</param>
/// <param name="Order">In which order inputs are taken so that groups lie together; null for their own.</param>
internal sealed record StoredGrid(
    int Bits, int Group, bool HasMinima = false, LevelTable? Levels = null, InputOrder? Order = null)
{
    private const int ByteMiddle = 128;

    /// <summary>The code of weight 0 where groups have no minima.</summary>
    public int Middle => 1 << (Bits - 1);

    /// <summary>The grid of 8 bits that holds the same weights.</summary>
    public StoredGrid ToBytes() => this with { Bits = 8, Levels = null };

    /// <summary>A code's own in <see cref="ToBytes"/>.</summary>
    public byte ByteOf(byte code) =>
        (byte)(Levels is not null ? Levels[code] + ByteMiddle : HasMinima ? code : code - Middle + ByteMiddle);

    /// <summary>The grid that holds the weights of both; null where there is none.</summary>
    public StoredGrid? Merge(StoredGrid other) => this with { HasMinima = HasMinima || other.HasMinima } is var merged
        && merged == other with { HasMinima = merged.HasMinima } && !(merged.HasMinima && Levels is not null) ? merged : null;

    /// <summary>The grid in words.</summary>
    public string Description => $"{Bits} bits{(Levels is null ? "" : " by a table")}, groups of {Group}"
        + (HasMinima ? " with minima" : "") + (Order is null ? "" : ", inputs permuted");

    /// <summary>What the codes of a row stand for, in the grid's order.</summary>
    /// <param name="codes">One byte per weight; a multiple of the group.</param>
    /// <param name="scales">One scale per group.</param>
    /// <param name="minimums">One minimum per group; not read where groups have none.</param>
    /// <param name="weights">Takes the weights.</param>
    public void Widen(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scales, ReadOnlySpan<float> minimums, Span<float> weights)
    {
        for (var group = 0; group < weights.Length / Group; group++)
        {
            var source = codes.Slice(group * Group, Group);
            var target = weights.Slice(group * Group, Group);
            var scale = scales[group];
            if (Levels is not null)
            {
                var levels = Levels.Levels;
                for (var i = 0; i < target.Length; i++)
                    target[i] = scale * levels[source[i]];
            }
            else if (HasMinima)
            {
                var minimum = minimums[group];
                for (var i = 0; i < target.Length; i++)
                    target[i] = (scale * source[i]) + minimum;
            }
            else
            {
                for (var i = 0; i < target.Length; i++)
                    target[i] = scale * (source[i] - Middle);
            }
        }
    }
}
