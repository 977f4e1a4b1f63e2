namespace Parley.ModelImporter.Safetensors;

/// <summary>Where a tensor lies in its file.</summary>
/// <param name="Name">Its name, e.g. <c>model.norm.weight</c>.</param>
/// <param name="TypeName">Element type as the file names it, e.g. <c>BF16</c>.</param>
/// <param name="Shape">Sizes, row-major; empty for a scalar.</param>
/// <param name="Offset">First byte, from the start of the file.</param>
/// <param name="Bytes">Length in bytes.</param>
internal sealed record StoredTensor(string Name, string TypeName, IReadOnlyList<long> Shape, long Offset, long Bytes)
{
    /// <summary>Number of elements.</summary>
    public long Elements { get; } = Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>The shape as text, e.g. <c>[576, 1536]</c>.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}
