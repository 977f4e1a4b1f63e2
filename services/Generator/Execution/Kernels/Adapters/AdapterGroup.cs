namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>The rows of a step that have one adapter: neighbours in the order of <see cref="AdapterStep.Rows"/>.</summary>
internal unsafe struct AdapterGroup
{
    /// <summary>The adapter's matrices for every linear of the session.</summary>
    public AdapterMatrices* Linears;

    /// <summary>Place of its first row.</summary>
    public int First;

    /// <summary>Number of its rows.</summary>
    public int Count;
}
