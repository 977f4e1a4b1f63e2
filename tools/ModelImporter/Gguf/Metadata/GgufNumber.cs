namespace Parley.ModelImporter.Gguf.Metadata;

/// <summary>A number that is a tensor in a checkpoint, and stands among the metadata of a file.</summary>
/// <param name="Tensor">Hugging Face's name of the tensor.</param>
/// <param name="HasDimension">The tensor is a list of one; else it has no dimension.</param>
/// <param name="Key">Where the file has it.</param>
/// <param name="Value">The number.</param>
internal sealed record GgufNumber(string Tensor, bool HasDimension, string Key, float Value);
