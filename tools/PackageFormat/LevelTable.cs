namespace Parley.PackageFormat;

/// <summary>
/// What the sixteen codes of a 4-bit grid stand for where they are not evenly spaced: whole numbers of 8 bits, so that
/// weight = scale · level[code]. An attribute of the node, so a package says its own levels; importer and Generator share this class.
/// </summary>
public sealed class LevelTable
{
    /// <summary>Levels of a table: one for each code of 4 bits.</summary>
    public const int Count = 16;

    private readonly sbyte[] _levels;

    /// <param name="levels">Sixteen numbers.</param>
    /// <exception cref="ArgumentException">There are more or fewer.</exception>
    public LevelTable(params ReadOnlySpan<sbyte> levels)
    {
        if (levels.Length != Count)
            throw new ArgumentException($"A table has {Count} levels, not {levels.Length}.", nameof(levels));
        _levels = levels.ToArray();
    }

    /// <summary>The curve of IQ4_NL and IQ4_XS, denser around zero.</summary>
    public static LevelTable Iq4 { get; } = new(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    /// <summary>FP4 (E2M1) in halves: a sign, two bits of exponent, one of fraction. The levels of MXFP4.</summary>
    public static LevelTable Fp4 { get; } = new(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

    /// <summary>The levels by code.</summary>
    public ReadOnlySpan<sbyte> Levels => _levels;

    public sbyte this[int code] => _levels[code];
}
