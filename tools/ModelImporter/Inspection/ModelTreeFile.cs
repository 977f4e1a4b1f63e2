namespace Parley.ModelImporter.Inspection;

/// <summary>A file of a model folder.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Decides">What it decides, in one line.</param>
public sealed record ModelTreeFile(string Name, long Bytes, string Decides);
