namespace Parley.ModelImporter.Safetensors;

/// <summary>Told of elements of a stored tensor that are about to be read, from any thread.</summary>
/// <param name="file">The file.</param>
/// <param name="tensor">The tensor.</param>
/// <param name="first">Index of the first element.</param>
/// <param name="count">Number of elements.</param>
internal delegate void TensorReading(ITensorFile file, StoredTensor tensor, long first, long count);
