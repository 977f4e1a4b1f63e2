namespace Parley.ModelImporter;

/// <summary>What a package's bits make of weights of one element type.</summary>
/// <param name="Type">The type as the source names it, e.g. <c>Q6_K</c>.</param>
/// <param name="Relative">Root mean square of the differences over that of the weights; 0 where nothing was lost.</param>
public sealed record TypeError(string Type, double Relative)
{
    /// <summary>What the package holds: bits, groups and minima.</summary>
    public string Stored { get; init; } = "";
}
