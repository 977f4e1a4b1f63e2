using System.Numerics.Tensors;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Forms;

/// <summary>weight = level[code] · scale, of sixteen levels.</summary>
internal sealed class LevelMeaning : CodeMeaning
{
    /// <summary>Units that are tried lie so far apart.</summary>
    private const double UnitStep = 1.0 / 64;

    private const double UnitMin = 48;
    private const double UnitMax = 127.5;

    private readonly float[] _levels;
    private readonly LevelTable _table;
    private readonly float _unit;

    private LevelMeaning(float[] levels, LevelTable table, float unit) => (_levels, _table, _unit) = (levels, table, unit);

    /// <summary>FP4 (E2M1).</summary>
    public static LevelMeaning Fp4 { get; } = new(
        [.. LevelTable.Fp4.Levels.ToArray().Select((level, code) => code == 8 ? -0f : level / 2f)], LevelTable.Fp4, 2);

    /// <summary>
    /// Any levels. A package holds whole numbers of 8 bits, so those are taken whose multiples of one unit are nearest to the levels.
    /// </summary>
    public static LevelMeaning Of(float[] levels)
    {
        var best = (Unit: UnitMin, Error: double.PositiveInfinity);
        var largest = levels.Max(MathF.Abs);
        for (var unit = UnitMin; unit < UnitMax; unit += UnitStep)
        {
            var error = levels.Sum(level => Math.Pow((Math.Round(level * unit / largest) / unit * largest) - level, 2));
            if (error < best.Error)
                best = (unit, error);
        }

        var scale = best.Unit / largest;
        return new LevelMeaning(levels, new LevelTable([.. levels.Select(level => (sbyte)Math.Round(level * scale))]), (float)scale);
    }

    public override void Widen(ReadOnlySpan<byte> codes, float scale, float offset, Span<float> weights)
    {
        Span<float> numbers = stackalloc float[LevelTable.Count];
        TensorPrimitives.Multiply(_levels, scale, numbers);
        for (var i = 0; i < codes.Length; i++)
            weights[i] = numbers[codes[i]];
    }

    /// <remarks>A package has no tables in groups of 16; there the levels are codes of 8 bits.</remarks>
    public override StoredGrid Grid(int group, int? zero) =>
        new StoredGrid(4, group, Levels: _table) is var grid && group != QuantizedLinearLayout.SmallGroup ? grid : grid.ToBytes();

    public override void ToGrid(StoredGrid grid, int? zero, Span<byte> codes, Span<float> scales, Span<float> offsets)
    {
        TensorPrimitives.Divide(scales, _unit, scales);
        if (grid.Levels is not null)
            return;
        foreach (ref var code in codes)
            code = (byte)(_table[code] + grid.Middle);
    }
}
