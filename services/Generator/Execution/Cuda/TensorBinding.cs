using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Cuda;

/// <summary>A tensor of the graph and its place.</summary>
/// <param name="Name">Name in the graph.</param>
/// <param name="IsOutput">The graph writes it.</param>
/// <param name="Place">The memory.</param>
/// <param name="Type">Element type.</param>
/// <param name="Offset">First byte within the place.</param>
/// <param name="Bytes">Length.</param>
/// <param name="Shape">Dimensions.</param>
/// <param name="Alias">The output that gives an input back in the same memory; null where there is none.</param>
internal sealed record TensorBinding(
    string Name, bool IsOutput, TensorPlace Place, TensorElementType Type, long Offset, long Bytes, IReadOnlyList<long> Shape,
    string? Alias = null)
{
    /// <summary>Whether the same view serves both.</summary>
    public bool IsSameView(TensorBinding other) =>
        Offset == other.Offset && Bytes == other.Bytes && Shape.SequenceEqual(other.Shape);
}
