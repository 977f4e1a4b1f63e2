using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Parley.Client.Tests.Doubles;

/// <summary>A scripted Gateway on a free port of loopback, for what only sockets can show.</summary>
internal sealed class SocketServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private SocketServer(WebApplication app, ScriptedGateway gateway) => (_app, Gateway) = (app, gateway);

    public ScriptedGateway Gateway { get; }

    public int Port => new Uri(_app.Urls.Single()).Port;

    public string Place => $"127.0.0.1:{Port}";

    public static async Task<SocketServer> StartAsync(Action<ListenOptions> configure)
    {
        var gateway = new ScriptedGateway();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration()
            .ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, configure));
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(gateway);
        var app = builder.Build();
        app.MapGrpcService<ScriptedGateway>();
        await app.StartAsync();
        return new SocketServer(app, gateway);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
