using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>A number for each group of a row: scales, zero points, biases.</summary>
internal abstract class GroupNumbers
{
    /// <summary>What all of them are; null where they differ.</summary>
    public virtual int? Common => null;

    /// <summary>Reads those of a row, from any thread.</summary>
    public abstract void Read(TensorReading? reading, long row, Span<float> numbers);
}
