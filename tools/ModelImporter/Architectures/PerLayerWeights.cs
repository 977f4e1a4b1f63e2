namespace Parley.ModelImporter.Architectures;

/// <summary>The weights of embeddings per layer that belong to no layer.</summary>
/// <param name="Table">A row per id, the numbers of all layers one after the other.</param>
/// <param name="Projection">From the first embedding to the same numbers.</param>
/// <param name="Norm">Of what that gives, each layer's numbers by themselves.</param>
internal sealed record PerLayerWeights(LinearWeights Table, LinearWeights Projection, NormWeights Norm);
