using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>What the codes of a group stand for, given its scale and its offset.</summary>
internal abstract class CodeMeaning
{
    /// <summary>Weights of some codes of one group, as fp32 has them.</summary>
    /// <param name="codes">One byte per weight.</param>
    /// <param name="scale">The group's scale.</param>
    /// <param name="offset">Its zero point or bias; nothing to codes that have none.</param>
    /// <param name="weights">Takes the weights.</param>
    public abstract void Widen(ReadOnlySpan<byte> codes, float scale, float offset, Span<float> weights);

    /// <summary>The grid of a package that holds these codes.</summary>
    /// <param name="group">Inputs per scale in the package.</param>
    /// <param name="zero">The zero point that all groups have; null where they have several, or none.</param>
    public abstract StoredGrid Grid(int group, int? zero);

    /// <summary>Turns codes, scales and offsets of a row into those of the grid.</summary>
    public abstract void ToGrid(StoredGrid grid, int? zero, Span<byte> codes, Span<float> scales, Span<float> offsets);
}
