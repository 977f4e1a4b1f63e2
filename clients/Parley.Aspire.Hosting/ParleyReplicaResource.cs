using Aspire.Hosting.ApplicationModel;

namespace Parley.Aspire.Hosting;

/// <summary>
/// A further process of a <see cref="ParleyResource"/>, with endpoints of its own and the same command line and environment.
/// </summary>
public sealed class ParleyReplicaResource : ExecutableResource
{
    internal ParleyReplicaResource(ParleyResource first, int index)
        : base($"{first.Name}-{index + 1}", first.Command, first.WorkingDirectory) =>
        (First, Index) = (first, index);

    /// <summary>The resource that it is a replica of.</summary>
    public ParleyResource First { get; }

    /// <summary>Its place among the processes: 1 for the second one, and so on.</summary>
    public int Index { get; }
}
