using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Graph;

/// <summary>Adds the attention of each layer: one implementation per operator that a device has for it.</summary>
internal interface IAttentionEmitter
{
    /// <summary>Whether the operator applies such norms of queries and keys itself.</summary>
    bool Applies(HeadNorm norm);

    /// <summary>Adds a layer's attention and its cache.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="layer">Index of the layer.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="qkv">Value [tokens, (query + 2 · key/value heads) · head size].</param>
    /// <param name="headNorms">Plans the weights of norms that the operator applies.</param>
    /// <returns>Value [tokens, query heads · head size].</returns>
    string Emit(OnnxGraphBuilder graph, int layer, DecoderLayerWeights weights, string qkv, HeadNormEmitter headNorms);
}
