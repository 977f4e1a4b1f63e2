using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>MXFP4 of gpt-oss, in stacks of experts: whoever takes these apart puts codes and exponents together.</summary>
internal sealed class Mxfp4Form : IStoredForm
{
    public void Join(CheckpointTensors tensors)
    {
    }
}
