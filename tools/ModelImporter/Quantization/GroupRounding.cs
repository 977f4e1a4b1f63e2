using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// How the codes, scales and offsets of 4-bit groups are found. How they are stored is <see cref="Int4Format"/>'s affair.
/// </summary>
internal abstract class GroupRounding
{
    /// <summary>Weights per scale of a linear.</summary>
    /// <exception cref="InvalidDataException">None of 128, 64 and 32 divides its inputs.</exception>
    public abstract int GroupOf(CheckpointTensors tensors, LinearWeights linear);

    /// <summary>Whether a linear's groups have a minimum beside their scale.</summary>
    public abstract bool HasMinima(CheckpointTensors tensors, LinearWeights linear);

    /// <summary>Whether a linear was rounded before to what 4 bits cannot hold, so that it is to have 8.</summary>
    public abstract bool StaysAtBytes(CheckpointTensors tensors, LinearWeights linear);

    /// <summary>Whether a row is taken over as it is stored, so that its weights need not be read; from any thread.</summary>
    public virtual bool TakesOver(CheckpointTensors tensors, LinearWeights linear, int row) => false;

    /// <summary>Gets ready for a linear's rows, when its fill runs; fills run one at a time, in the order of the computation.</summary>
    public abstract RowRounder Prepare(CheckpointTensors tensors, LinearWeights linear, int group, ParallelOptions options);
}
