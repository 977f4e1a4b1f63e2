using Parley.ModelImporter.Package;

namespace Parley.ModelImporter.Graph;

/// <summary>Work that fills one or more initializers: planned while the graph is built, run tensor by tensor afterwards.</summary>
/// <param name="First">Offset of the first byte in <c>model.data</c> that it writes; the largest number where it writes none there.</param>
/// <param name="Bytes">Bytes that it writes; the measure of progress.</param>
/// <param name="Run">Writes them, in parallel inside; memory is bounded by the chunks in flight.</param>
internal sealed record TensorFill(long First, long Bytes, Action<DataFile, ParallelOptions> Run);
