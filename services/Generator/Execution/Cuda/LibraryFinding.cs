namespace Parley.Generator.Execution.Cuda;

/// <summary>What was found of a library that CUDA needs.</summary>
/// <param name="Library">Its file name.</param>
/// <param name="Role">What it is.</param>
/// <param name="Wanted">The version that this build needs.</param>
/// <param name="Found">The version that is there, or why none is.</param>
/// <param name="Fits">Whether it will do.</param>
internal sealed record LibraryFinding(string Library, string Role, string Wanted, string Found, bool Fits)
{
    public override string ToString() => $"{Library} ({Role}): wanted {Wanted}; found {Found}";
}
