namespace Parley.ModelImporter.AdapterPackages;

/// <summary>What became of an adapter.</summary>
/// <param name="Name">Served name.</param>
/// <param name="Path">Its folder.</param>
/// <param name="Linears">Linears of the graph that it is added to.</param>
/// <param name="RankMax">Its largest rank.</param>
/// <param name="Bytes">Length of all files.</param>
/// <param name="Notes">What is to be known of it, one sentence each.</param>
public sealed record AdapterResult(string Name, string Path, int Linears, int RankMax, long Bytes, IReadOnlyList<string> Notes);
