namespace Parley.Generator.Execution.Cuda;

/// <summary>A byte in each of the places that a run's tensors lie in.</summary>
internal readonly record struct RegionOffsets(long Upload, long Host, long Download, long Logits);
