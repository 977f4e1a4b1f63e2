namespace Parley.ModelImporter.Architectures;

/// <summary>What all norms of a decoder have in common.</summary>
/// <param name="Kind">How they normalise.</param>
/// <param name="Epsilon">Added to the mean of squares, or to the variance.</param>
/// <param name="AddsOne">Whether the weights are stored as what they are above one.</param>
internal sealed record NormSettings(NormKind Kind, float Epsilon, bool AddsOne = false);
