namespace Parley.ModelImporter.AdapterPackages;

/// <summary>A node of a package's graph that multiplies by a matrix, or by a run of its rows.</summary>
/// <param name="Position">Which of the graph's nodes it is.</param>
/// <param name="Node">Its name.</param>
/// <param name="Inputs">Columns, those that the package put behind the matrix's own among them.</param>
/// <param name="Outputs">Rows.</param>
/// <param name="Order">Where the node's inputs are in another order than the matrix's: input j is that one's order[j]; null for the
/// same.</param>
internal sealed record GraphLinear(int Position, string Node, int Inputs, int Outputs, int[]? Order);
