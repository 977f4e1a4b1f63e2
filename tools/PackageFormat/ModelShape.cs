using System.Text.Json.Serialization;

namespace Parley.PackageFormat;

/// <summary>The sizes of a decoder, as its <c>config.json</c> gives them.</summary>
/// <param name="Layers">Number of decoder layers.</param>
/// <param name="HiddenSize">Width of the residual stream.</param>
/// <param name="IntermediateSize">Width of the gated MLP.</param>
/// <param name="QueryHeads">Query heads per layer.</param>
/// <param name="KeyValueHeads">Key and value heads per layer; divides <paramref name="QueryHeads"/>.</param>
/// <param name="HeadSize">Width of one head; with a latent, that of a query.</param>
/// <param name="VocabularySize">Rows of the embedding and of the head: ids are below this number.</param>
/// <param name="ContextTokensMax">Positions that the model was made for: prompt and answer together.</param>
/// <param name="TiedEmbeddings">The head is the embedding.</param>
public sealed record ModelShape(
    int Layers,
    int HiddenSize,
    int IntermediateSize,
    int QueryHeads,
    int KeyValueHeads,
    int HeadSize,
    int VocabularySize,
    int ContextTokensMax,
    bool TiedEmbeddings)
{
    /// <summary>Positions behind which no layer looks back, a token itself included; null where one looks at everything.</summary>
    public int? WindowTokens { get; init; }

    /// <summary>
    /// The mixtures of experts; null where all layers have a plain MLP, and in packages of importers that did not note them.
    /// </summary>
    public MixtureShape? Mixture { get; init; }

    /// <summary>
    /// What the cache holds of a token where it is a latent for all heads, which is then one key/value head; null where it holds keys and
    /// values.
    /// </summary>
    public LatentShape? Latent { get; init; }

    /// <summary>How positions depend on the length of a sequence; null where they do not.</summary>
    public PositionRule? Positions { get; init; }

    /// <summary>Layers without keys and values of their own, ascending; null where all have some.</summary>
    public IReadOnlyList<int>? KeylessLayers { get; init; }

    /// <summary>
    /// Layers whose heads are others than <see cref="KeyValueHeads"/> of <see cref="HeadSize"/>, ascending; null for none.
    /// </summary>
    public IReadOnlyList<LayerHeads>? OtherHeads { get; init; }

    /// <summary>
    /// Width of what each layer reads of a token's row in tables that are looked up by row (per-layer embeddings); null where there are
    /// none.
    /// </summary>
    public int? PerLayerWidth { get; init; }

    /// <summary>Width of the widest layer's MLP; null where all are of <see cref="IntermediateSize"/>.</summary>
    public int? WidestMlp { get; init; }

    /// <summary>What a sequence carries beside keys and values, in the order of the layers; null for nothing.</summary>
    public IReadOnlyList<StateShape>? States { get; init; }

    /// <summary>The block that guesses further tokens; null for none, and where it is not used.</summary>
    public DrafterShape? Drafter { get; init; }

    /// <summary>Elements of keys and values that one token adds over all layers.</summary>
    [JsonIgnore]
    public int CacheElementsPerToken =>
        checked((int)CachedHeads().Sum(heads => heads.KeyValueHeads * ((long)heads.KeySize + heads.ValueSize)));

    /// <summary>Numbers of a key as the cache holds it.</summary>
    [JsonIgnore]
    public int KeySize => Latent?.RotaryStored ?? HeadSize;

    /// <summary>Numbers of a value as the cache holds it.</summary>
    [JsonIgnore]
    public int ValueSize => Latent?.Rank ?? HeadSize;

    /// <summary>Layers with keys and values.</summary>
    [JsonIgnore]
    public int CachedLayers => Layers - (KeylessLayers?.Count ?? 0);

    /// <summary>Bytes of all that one sequence carries beside keys and values.</summary>
    [JsonIgnore]
    public long StateBytes => (States?.Sum(state => state.Elements) ?? 0) * sizeof(float);

    /// <summary>The heads of each layer with keys and values of its own, in order; the drafter's are the last.</summary>
    public IEnumerable<LayerHeads> CachedHeads() =>
        Enumerable.Range(0, Layers + (Drafter?.Layers ?? 0)).Where(HasKeys).Select(Heads);

    /// <summary>The heads of a layer.</summary>
    public LayerHeads Heads(int layer) =>
        OtherHeads?.FirstOrDefault(heads => heads.Layer == layer)
        ?? new LayerHeads(layer, KeyValueHeads, HeadSize) { KeySize = KeySize, ValueSize = ValueSize };

    /// <summary>Whether a layer has keys and values.</summary>
    public bool HasKeys(int layer) => KeylessLayers?.Contains(layer) != true;
}
