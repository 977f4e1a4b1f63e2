using Parley.ModelImporter.Quantization;

namespace Parley.ModelImporter.Calibration;

/// <summary>A linear of 4-bit codes, in memory.</summary>
internal sealed class RoundedLinear(int outputs, int inputs, int group)
{
    private readonly byte[] _codes = new byte[outputs * (inputs / 2)];
    private readonly float[] _scales = new float[outputs * (inputs / group)];
    private readonly float[] _offsets = new float[outputs * (inputs / group)];

    /// <summary>Sets the grid of a group; rows may be set from several threads.</summary>
    public void Set(int row, int index, GroupGrid grid) =>
        (_scales[(row * (inputs / group)) + index], _offsets[(row * (inputs / group)) + index]) = (grid.Scale, grid.Offset);

    /// <summary>Sets a code, once.</summary>
    public void Set(int row, int column, byte code) =>
        _codes[(row * (inputs / 2)) + (column / 2)] |= (byte)(code << (column % 2 * 4));

    /// <summary>Copies a row, as <see cref="RowRounder"/> wants it.</summary>
    public void Copy(int row, Span<byte> codes, Span<float> scales, Span<float> offsets)
    {
        _codes.AsSpan(row * (inputs / 2), inputs / 2).CopyTo(codes);
        _scales.AsSpan(row * (inputs / group), inputs / group).CopyTo(scales);
        _offsets.AsSpan(row * (inputs / group), inputs / group).CopyTo(offsets);
    }
}
