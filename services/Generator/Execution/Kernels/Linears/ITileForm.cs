namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>What the codes of a tile are, as a type, so that the JIT writes the loops of each form by themselves.</summary>
internal interface ITileForm
{
    /// <summary>Vectors of codes whose sums are kept in registers: those of 32 inputs, or of a smaller group.</summary>
    static abstract int RunVectors { get; }

    /// <summary>Whether codes stand for the levels of a table.</summary>
    static abstract bool HasLevels { get; }
}
