using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>weight = scale · code + bias, where a scale may be negative.</summary>
/// <param name="bits">Bits of a code, up to 8.</param>
internal sealed class BiasMeaning(int bits) : CodeMeaning
{
    public override void Widen(ReadOnlySpan<byte> codes, float scale, float offset, Span<float> weights)
    {
        for (var i = 0; i < codes.Length; i++)
            weights[i] = (scale * codes[i]) + offset;
    }

    public override StoredGrid Grid(int group, int? zero) => new(bits <= 4 ? 4 : 8, group, HasMinima: true);

    public override void ToGrid(StoredGrid grid, int? zero, Span<byte> codes, Span<float> scales, Span<float> offsets)
    {
    }
}
