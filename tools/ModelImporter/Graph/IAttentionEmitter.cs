namespace Parley.ModelImporter.Graph;

/// <summary>Adds the attention of each layer: one implementation per operator that a device has for it.</summary>
internal interface IAttentionEmitter
{
    /// <summary>Adds a layer's attention and its cache.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="layer">Index of the layer.</param>
    /// <param name="qkv">Value [tokens, (query + 2 · key/value heads) · head size].</param>
    /// <returns>Value [tokens, query heads · head size].</returns>
    string Emit(OnnxGraphBuilder graph, int layer, string qkv);
}
