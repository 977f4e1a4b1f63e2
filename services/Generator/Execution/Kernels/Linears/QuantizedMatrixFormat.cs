namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>What a node says of a matrix's weights, as read and not yet checked.</summary>
/// <param name="Layout">Version of the layout.</param>
/// <param name="Bits">Bits of a code.</param>
/// <param name="Group">Inputs per scale.</param>
/// <param name="Levels">What codes stand for; null where they are numbers.</param>
internal readonly record struct QuantizedMatrixFormat(long Layout, long Bits, long Group, long[]? Levels)
{
    /// <summary>Reads the attributes of these names, each with a zero behind it.</summary>
    /// <exception cref="InvalidDataException">There are too many levels.</exception>
    public static unsafe QuantizedMatrixFormat Read(
        void* info, ReadOnlySpan<byte> layout, ReadOnlySpan<byte> bits, ReadOnlySpan<byte> group, ReadOnlySpan<byte> levels) =>
        new(OrtCustomOpApi.GetInteger(info, layout, 0), OrtCustomOpApi.GetInteger(info, bits, 0),
            OrtCustomOpApi.GetInteger(info, group, 0), OrtCustomOpApi.GetIntegers(info, levels, PackageFormat.LevelTable.Count));
}
