namespace Parley.ModelImporter.Architectures;

/// <summary>Embeddings that each layer has of its own: a row of a token for all layers, and what the first embedding adds to it.</summary>
/// <param name="Width">Numbers of a layer.</param>
/// <param name="Rows">Rows of the table, at least one for each id.</param>
internal sealed record PerLayerSettings(int Width, int Rows);
