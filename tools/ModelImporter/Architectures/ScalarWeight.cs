namespace Parley.ModelImporter.Architectures;

/// <summary>A stored number.</summary>
/// <param name="Name">The tensor.</param>
/// <param name="HasDimension">Whether it is a list of one; else it has no dimension.</param>
internal sealed record ScalarWeight(string Name, bool HasDimension);
