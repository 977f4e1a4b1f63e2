namespace Parley.Generator.Execution.Cuda;

/// <summary>Where a tensor of the graph lives.</summary>
internal enum TensorPlace
{
    /// <summary>On the device, in the one region that a step's inputs are copied to at once.</summary>
    Upload,

    /// <summary>In the host's memory, because the operator reads it there.</summary>
    Host,

    /// <summary>On the device, for the life of the runner: keys or values of a layer.</summary>
    Cache,

    /// <summary>On the device, in the one region that is copied back after every step.</summary>
    Download,

    /// <summary>On the device, and copied back row by row where all logits are needed.</summary>
    Logits,
}
