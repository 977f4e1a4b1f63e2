using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>How linears that each head has of its own are stored and computed; all of a layer are one node.</summary>
internal abstract class PerHeadFormat
{
    /// <summary>Adds them.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="heads">The linear of each head, all of one size.</param>
    /// <param name="input">The rows.</param>
    /// <param name="rows">How they lie.</param>
    /// <returns>The result.</returns>
    public abstract string Emit(
        OnnxGraphBuilder graph, CheckpointTensors tensors, IReadOnlyList<LinearWeights> heads, string input, PerHeadRows rows);
}
