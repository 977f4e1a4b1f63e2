namespace Parley.ModelImporter.Architectures;

/// <summary>Norms of queries and keys.</summary>
/// <param name="Kind">What they go over.</param>
/// <param name="Settings">How they normalise.</param>
internal sealed record HeadNorm(HeadNormKind Kind, NormSettings Settings);
