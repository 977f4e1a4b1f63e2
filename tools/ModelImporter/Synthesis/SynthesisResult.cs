namespace Parley.ModelImporter.Synthesis;

/// <summary>A checkpoint that was written.</summary>
/// <param name="Path">Its folder.</param>
/// <param name="Parameters">Number of weights.</param>
/// <param name="Bytes">Length of the weights.</param>
public sealed record SynthesisResult(string Path, long Parameters, long Bytes);
