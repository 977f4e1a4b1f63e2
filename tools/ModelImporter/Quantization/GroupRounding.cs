using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// How the codes, scales and offsets of 4-bit groups are found. How they are stored is <see cref="Int4Format"/>'s affair.
/// </summary>
internal abstract class GroupRounding
{
    /// <summary>Whether weights that a file has rounded already are taken over, and not rounded here.</summary>
    public abstract bool KeepsGrids { get; }

    /// <summary>
    /// Whether what a file has not rounded to 4 bits stays at 8: its makers left those modules out for what they would lose.
    /// </summary>
    public virtual bool LeavesRest => false;

    /// <summary>Whether a text decides how weights are rounded; it goes through the decoder's layers alone.</summary>
    public virtual bool ReadsText => false;

    /// <summary>What whoever imports should know when all is rounded, one sentence each.</summary>
    public virtual IReadOnlyList<string> Notes => [];

    /// <summary>Weights per scale of a linear.</summary>
    /// <exception cref="InvalidDataException">None of 128, 64 and 32 divides its inputs.</exception>
    public abstract int GroupOf(CheckpointTensors tensors, LinearWeights linear);

    /// <summary>Whether a linear's groups have a minimum beside their scale.</summary>
    public abstract bool HasMinima(CheckpointTensors tensors, LinearWeights linear);

    /// <summary>Gets ready for a linear's rows, when its fill runs; fills run one at a time, in the order of the computation.</summary>
    public abstract RowRounder Prepare(CheckpointTensors tensors, LinearWeights linear, int group, ParallelOptions options);

    /// <summary>Called in place of <see cref="Prepare"/> for a linear that is taken over.</summary>
    public virtual void Pass(CheckpointTensors tensors, LinearWeights linear, ParallelOptions options)
    {
    }
}
