namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>Rows of a tile as a type, so that the JIT writes a body without branches for each.</summary>
internal interface ITileRows
{
    static abstract int Count { get; }
}
