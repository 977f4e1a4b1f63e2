namespace Parley.ModelImporter.Adapters;

/// <summary>A low-rank product in memory: what it adds to a matrix [outputs, inputs] is B · A.</summary>
/// <param name="Rank">Rows of A.</param>
/// <param name="A">[rank, inputs].</param>
/// <param name="B">[outputs, rank], with the scaling in it.</param>
internal sealed record LowRankFactors(int Rank, float[] A, float[] B);
