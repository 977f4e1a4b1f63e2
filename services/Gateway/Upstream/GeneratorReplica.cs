using Grpc.Net.Client;
using Parley.Gateway.Balancing;

namespace Parley.Gateway.Upstream;

/// <summary>One Generator of the fleet with its channel. Disposed when discovery has dropped it and its last stream has ended.</summary>
internal sealed class GeneratorReplica(Uri address, GrpcChannel channel, CircuitBreaker breaker) : Replica(address, breaker), IDisposable
{
    private GeneratorDescription? _description;

    public GeneratorClient Client { get; } = new(new UpstreamService("Generator", address), channel);

    /// <summary>What it said of itself when it was last there; null before, and after it has failed.</summary>
    public GeneratorDescription? Description
    {
        get => Volatile.Read(ref _description);
        set => Volatile.Write(ref _description, value);
    }

    public void Dispose() => channel.Dispose();
}
