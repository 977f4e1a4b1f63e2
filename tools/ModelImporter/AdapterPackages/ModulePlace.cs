using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.AdapterPackages;

/// <summary>Where rows of a module's matrix are among those of a linear.</summary>
/// <param name="Linear">The linear.</param>
/// <param name="First">First row of the linear.</param>
/// <param name="Rows">For each from there on, the row of the module.</param>
internal sealed record ModulePlace(LinearWeights Linear, int First, IReadOnlyList<int> Rows);
