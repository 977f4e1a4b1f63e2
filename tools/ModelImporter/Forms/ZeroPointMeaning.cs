using System.Numerics.Tensors;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>weight = scale · (code − zero point).</summary>
/// <param name="bits">Bits of a code, up to 8.</param>
internal sealed class ZeroPointMeaning(int bits) : CodeMeaning
{
    private const int NibbleBits = 4;
    private const int ByteBits = 8;

    public override void Widen(ReadOnlySpan<byte> codes, float scale, float offset, Span<float> weights)
    {
        TensorPrimitives.ConvertTruncating<byte, float>(codes, weights);
        TensorPrimitives.Subtract(weights, offset, weights);
        TensorPrimitives.Multiply(weights, scale, weights);
    }

    public override StoredGrid Grid(int group, int? zero)
    {
        var plain = new StoredGrid(bits <= NibbleBits ? NibbleBits : ByteBits, group);
        return plain with { HasMinima = zero is null || !Fits(plain, zero.Value) };
    }

    public override void ToGrid(StoredGrid grid, int? zero, Span<byte> codes, Span<float> scales, Span<float> offsets)
    {
        if (grid.HasMinima)
        {
            for (var group = 0; group < scales.Length; group++)
                offsets[group] = -scales[group] * offsets[group];
        }
        else if (grid.Middle != zero)
            TensorPrimitives.Add(codes, (byte)(grid.Middle - zero!.Value), codes);
    }

    /// <summary>Whether codes moved to the grid's own middle stay within its range.</summary>
    private bool Fits(StoredGrid grid, int zero) => grid.Middle - zero is >= 0 and var moved && (1 << bits) + moved <= 1 << grid.Bits;
}
