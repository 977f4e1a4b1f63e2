namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>A linear of a session to which adapters may add something.</summary>
/// <param name="Name">Name of its node in the graph.</param>
/// <param name="Inputs">Columns.</param>
/// <param name="Outputs">Rows, before any gate.</param>
/// <param name="Index">Its place among all of the session.</param>
internal sealed record AdaptedLinear(string Name, int Inputs, int Outputs, int Index);
