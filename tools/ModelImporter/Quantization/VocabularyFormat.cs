using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>How embedding and head are stored and computed. Tied ones share their bytes.</summary>
internal abstract class VocabularyFormat
{
    /// <summary>Adds the embedding.</summary>
    /// <returns>Value [tokens, hidden].</returns>
    public abstract string EmitEmbedding(OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights embedding, string ids);

    /// <summary>Whether tables that are looked up by row are stored in codes.</summary>
    public virtual bool CodesRows => true;

    /// <summary>Adds a head that may leave out what stands late in the vocabulary, which is seldom said.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="head">Its weights; those of the embedding where tied.</param>
    /// <param name="tied">Whether they are.</param>
    /// <param name="input">Value [rows, hidden].</param>
    /// <param name="output">Name of the value [rows, ids].</param>
    /// <param name="first">How many ids are enough.</param>
    /// <returns>How many ids there are: the first of the vocabulary.</returns>
    public virtual int EmitShortHead(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights head, bool tied, string input, string output, int first)
    {
        EmitHead(graph, tensors, head, tied, input, output);
        return head.Outputs;
    }

    /// <summary>Adds the head.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="head">Its weights; those of the embedding where tied.</param>
    /// <param name="tied">Whether they are.</param>
    /// <param name="input">Value [rows, hidden].</param>
    /// <param name="output">Name of the value [rows, vocabulary].</param>
    public abstract void EmitHead(
        OnnxGraphBuilder graph, CheckpointTensors tensors, LinearWeights head, bool tied, string input, string output);
}
