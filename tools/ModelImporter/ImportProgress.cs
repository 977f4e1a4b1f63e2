namespace Parley.ModelImporter;

/// <summary>How far an import is.</summary>
/// <param name="Stage">What it does: <c>hash</c>, <c>convert</c> or <c>seal</c>.</param>
/// <param name="BytesDone">Bytes of this stage that are done.</param>
/// <param name="BytesTotal">Bytes of this stage.</param>
public sealed record ImportProgress(string Stage, long BytesDone, long BytesTotal);
