namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>Which ranks sixteen neighbouring outputs of a linear take part in.</summary>
internal struct AdapterBlock
{
    /// <summary>Numbers of the linear's B before those of this block.</summary>
    public long Offset;

    /// <summary>First of the ranks.</summary>
    public int First;

    /// <summary>Number of ranks; 0 where no part has these outputs.</summary>
    public int Count;
}
