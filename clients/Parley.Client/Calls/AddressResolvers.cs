using Grpc.Net.Client.Balancer;

namespace Parley.Client.Calls;

/// <summary>
/// What finds the places behind a <c>dns:</c> or <c>static:</c> address, as gRPC asks for it: a name is looked up again now and then, so
/// that replicas that come later get their share.
/// </summary>
internal sealed class AddressResolvers(Uri address) : IServiceProvider
{
    private static readonly TimeSpan LookUpEvery = TimeSpan.FromSeconds(30);

    public object? GetService(Type serviceType)
    {
        if (serviceType != typeof(IEnumerable<ResolverFactory>))
            return null;
        ResolverFactory factory = address.Scheme == ServerAddress.Static
            ? new StaticResolverFactory(_ => ServerAddress.HostsOf(address).Select(place => new BalancerAddress(place.Host, place.Port)))
            : new DnsResolverFactory(LookUpEvery);
        return new[] { factory };
    }
}
