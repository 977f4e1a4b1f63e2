using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>Reads the codes of a matrix row by row, with the numbers of their groups, however they are stored.</summary>
internal abstract class CodeRows
{
    /// <summary>The tensor that holds the codes.</summary>
    public abstract StoredSource Codes { get; }

    /// <summary>The zero point of all groups; null where they have several, or none.</summary>
    public abstract int? Zero { get; }

    /// <summary>Reads a row, from any thread.</summary>
    /// <param name="reading">Told of what is read of stored tensors; null for nobody.</param>
    /// <param name="row">The row.</param>
    /// <param name="codes">Takes one byte for each column, in their own order.</param>
    /// <param name="scales">Takes one scale per group.</param>
    /// <param name="offsets">Takes one zero point or bias per group.</param>
    public abstract void Read(TensorReading? reading, long row, Span<byte> codes, Span<float> scales, Span<float> offsets);
}
