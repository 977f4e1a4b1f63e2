namespace Parley.PackageFormat;

/// <summary>
/// A low-rank product over a run of a linear's outputs. The scaling is in B, columns of A are in the order of the node's inputs, rows of B
/// in that of its outputs as the node multiplies them, before any gate.
/// </summary>
/// <param name="Output">First row among the node's outputs.</param>
/// <param name="Outputs">Rows.</param>
/// <param name="Rank">Rows of A, columns of B.</param>
/// <param name="A">Byte offset of A [rank, inputs] in <c>adapter.data</c>.</param>
/// <param name="B">Byte offset of B [outputs, rank].</param>
public sealed record AdapterPart(int Output, int Outputs, int Rank, long A, long B)
{
    /// <summary>What is wrong in it, whatever its base; null for nothing.</summary>
    internal string? Fault(int inputs, long bytes, int widthLimit)
    {
        if (Outputs < 1 || (long)Output + Outputs > widthLimit)
            return $"outputs is {Outputs} behind row {Output}, not 1 to {widthLimit} in all.";
        if (Rank is < 1 or > AdapterManifest.RankLimit)
            return $"rank is {Rank}, not 1 to {AdapterManifest.RankLimit}.";
        return FaultOf("a", A, Rank * (long)inputs, bytes) ?? FaultOf("b", B, Rank * (long)Outputs, bytes);
    }

    private static string? FaultOf(string name, long offset, long elements, long bytes) =>
        offset >= 0 && offset % AdapterManifest.Alignment == 0 && elements * sizeof(float) <= bytes - offset
            ? null
            : $"{name} is {offset} for {elements * sizeof(float)} bytes, which is no multiple of {AdapterManifest.Alignment} within the "
                + $"{bytes} bytes of {AdapterManifest.DataName}.";
}
