using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace Parley.Gateway.Access;

/// <summary>
/// Looks at each endpoint before it is bound, whichever setting named it: without keys, and unless everyone may come, only this machine is
/// served.
/// </summary>
internal sealed class ListenGuard(IConnectionListenerFactory inner, ApiKeys keys, IOptions<GatewayOptions> options)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private const string WaysOut =
        "anyone who reaches it could use the model. Give it a key ('parley key new NAME' makes one; --api-key KEY, --api-key-file FILE, "
        + "the variable " + ApiKeys.Variable + ", Gateway:ApiKey, Gateway:ApiKeyFile or Gateway:Keys:NAME:Hash), or let everyone in with "
        + "--allow-anonymous (Gateway:AllowAnonymous=true).";

    /// <summary>Puts a guard before everything that the server binds endpoints with.</summary>
    public static void AddTo(IServiceCollection services)
    {
        for (var i = 0; i < services.Count; i++)
        {
            var descriptor = services[i];
            if (descriptor.ServiceType != typeof(IConnectionListenerFactory) || descriptor.IsKeyedService)
                continue;
            services[i] = ServiceDescriptor.Singleton<IConnectionListenerFactory>(provider => new ListenGuard(
                (IConnectionListenerFactory)Create(descriptor, provider), provider.GetRequiredService<ApiKeys>(),
                provider.GetRequiredService<IOptions<GatewayOptions>>()));
        }
    }

    /// <summary>Whether only this machine reaches an endpoint; what cannot be judged is taken for the world.</summary>
    private static bool IsLocal(EndPoint endpoint) => endpoint switch
    {
        IPEndPoint address => IPAddress.IsLoopback(address.Address),
        UnixDomainSocketEndPoint or NamedPipeEndPoint => true,
        _ => false,
    };

    /// <summary>Why an endpoint is not served; null for one that is.</summary>
    public static string? Fault(EndPoint endpoint, bool hasKeys, bool allowAnonymous) =>
        IsLocal(endpoint) || hasKeys || allowAnonymous
            ? null
            : $"The Gateway would listen on {endpoint}, beyond this machine: {WaysOut}";

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (Fault(endpoint, keys.AreNeeded, options.Value.AllowAnonymous) is { } fault)
            throw new OptionsValidationException(GatewayOptions.Section, typeof(GatewayOptions), [fault]);
        return inner.BindAsync(endpoint, cancellationToken);
    }

    public bool CanBind(EndPoint endpoint) => inner is not IConnectionListenerFactorySelector selector || selector.CanBind(endpoint);

    private static object Create(ServiceDescriptor descriptor, IServiceProvider provider) =>
        descriptor.ImplementationInstance ?? descriptor.ImplementationFactory?.Invoke(provider)
        ?? ActivatorUtilities.CreateInstance(provider, descriptor.ImplementationType!);
}
