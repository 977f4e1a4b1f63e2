using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Parley.Gateway.Access;

namespace Parley.Gateway.Tests.Access;

public sealed class ListenGuardTests
{
    public static TheoryData<EndPoint, bool> Endpoints => new()
    {
        { new IPEndPoint(IPAddress.Loopback, 5080), true },
        { new IPEndPoint(IPAddress.Parse("127.1.2.3"), 5080), true },
        { new IPEndPoint(IPAddress.IPv6Loopback, 5080), true },
        { new UnixDomainSocketEndPoint("/tmp/parley.sock"), true },
        { new IPEndPoint(IPAddress.Any, 5080), false },
        { new IPEndPoint(IPAddress.IPv6Any, 5080), false },
        { new IPEndPoint(IPAddress.Parse("192.168.1.7"), 5080), false },
        { new FileHandleEndPoint(3, FileHandleType.Auto), false },
    };

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task Bind_NoKey_OnlyThisMachine(EndPoint endpoint, bool isLocal)
    {
        var (guard, inner) = Create(new GatewayOptions());

        var fault = await Record.ExceptionAsync(async () => await guard.BindAsync(endpoint));

        Assert.Equal(isLocal ? 1 : 0, inner.Bound.Count);
        if (isLocal)
        {
            Assert.Null(fault);
            return;
        }

        Assert.IsType<OptionsValidationException>(fault);
        string[] named =
            [endpoint.ToString()!, "--api-key", "PARLEY_API_KEY", "Gateway:ApiKey", "--allow-anonymous", "Gateway:AllowAnonymous=true"];
        Assert.All(named, text => Assert.Contains(text, fault.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("key", false)]
    [InlineData("", true)]
    public async Task Bind_KeyOrEveryoneAllowed_Everywhere(string key, bool allowAnonymous)
    {
        var (guard, inner) = Create(new GatewayOptions { ApiKey = key, AllowAnonymous = allowAnonymous });

        await guard.BindAsync(new IPEndPoint(IPAddress.Any, 5080));

        Assert.Single(inner.Bound);
    }

    private static (IConnectionListenerFactory Guard, Factory Inner) Create(GatewayOptions options)
    {
        var inner = new Factory();
        var services = new ServiceCollection();
        services.AddSingleton<IConnectionListenerFactory>(inner);
        services.AddSingleton(Options.Create(options));
        services.AddSingleton(TimeProvider.System).AddLogging().AddSingleton<ApiKeys>();
        ListenGuard.AddTo(services);
        return (services.BuildServiceProvider().GetRequiredService<IConnectionListenerFactory>(), inner);
    }

    private sealed class Factory : IConnectionListenerFactory
    {
        public List<EndPoint> Bound { get; } = [];

        public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
        {
            Bound.Add(endpoint);
            return ValueTask.FromResult<IConnectionListener>(null!);
        }
    }
}
