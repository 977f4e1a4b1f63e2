using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>
/// A form that quantisers store weights in. The seam for new forms: one file each. Which modules are quantised is what the tensors say, not
/// the lists of names in configurations.
/// </summary>
internal interface IStoredForm
{
    /// <summary>Puts the tensors of each quantised module together under the name of its weight.</summary>
    /// <exception cref="InvalidDataException">They do not fit each other; the message names file, tensor, wanted and found.</exception>
    void Join(CheckpointTensors tensors);

    /// <summary>Leaves out what a form's tools write beside the weights and no model of the family has.</summary>
    /// <param name="tensors">The checkpoint, under the family's names.</param>
    /// <param name="known">The family's names.</param>
    void Drop(CheckpointTensors tensors, IReadOnlySet<string> known)
    {
    }
}
