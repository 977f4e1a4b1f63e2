using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>
/// The weights of the block that guesses further tokens: from the stream behind a token and the embedding of the next one, by a layer of
/// the model's own kind, to the stream of the one after it. Embedding and head are the model's.
/// </summary>
/// <param name="EmbeddingNorm">Of the embedding.</param>
/// <param name="StreamNorm">Of the stream.</param>
/// <param name="Projection">From both, the embedding first, to one.</param>
/// <param name="Layer">The layer.</param>
/// <param name="Norm">Before the head.</param>
internal sealed record DrafterWeights(
    NormWeights EmbeddingNorm, NormWeights StreamNorm, LinearWeights Projection, DecoderLayerWeights Layer, NormWeights Norm)
{
    /// <summary>Modules as DeepSeek and GLM call them, in the layer behind the last.</summary>
    public const string ProjectionName = "eh_proj";

    public const string EmbeddingNormName = "enorm";

    public const string StreamNormName = "hnorm";

    public const string NormName = "shared_head.norm";

    /// <summary>Its norms outside the layer.</summary>
    public IReadOnlyList<NormWeights> Norms => [EmbeddingNorm, StreamNorm, Norm];

    /// <summary>Whether a checkpoint has what no other block has: if not, whoever made it left the block out.</summary>
    public bool IsIn(CheckpointTensors tensors) =>
        Projection.Parts.All(part => tensors.Contains(part.Weight))
        && Norms.Concat(Layer.Norms).SelectMany(norm => norm.Names).All(tensors.Contains);
}
