using System.Net;
using Grpc.Health.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Parley.ServiceDefaults;

namespace Parley.Cli.Hosting;

/// <summary>One service hosted in this process: the same registration that its own program uses, on ports of our choice.</summary>
internal sealed class HostedService : IAsyncDisposable
{
    private readonly string _name;
    private readonly WebApplication _app;
    private readonly ListenOptions[] _endpoints;

    private HostedService(string name, WebApplication app, ListenOptions[] endpoints)
    {
        _name = name;
        _app = app;
        _endpoints = endpoints;
    }

    /// <summary>Builds and starts a service.</summary>
    /// <param name="name">Its name in messages, e.g. <c>Tokenizer</c>.</param>
    /// <param name="options">Log level, further settings.</param>
    /// <param name="settings">The service's own settings.</param>
    /// <param name="addresses">Where each of its endpoints listens.</param>
    /// <param name="ports">Its endpoints in order; port 0 takes a free one, of the first address alone.</param>
    /// <param name="add">Registers the service.</param>
    /// <param name="map">Maps its endpoints.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<HostedService> StartAsync(
        string name,
        LocalSystemOptions options,
        Dictionary<string, string?> settings,
        IReadOnlyList<IPAddress> addresses,
        (int Port, HttpProtocols Protocols)[] ports,
        Action<WebApplicationBuilder> add,
        Action<WebApplication> map,
        CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            ApplicationName = "parley",
            ContentRootPath = AppContext.BaseDirectory,
        });

        // The services' own appsettings.json files would meet in this folder, and only one of them could be here.
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddEnvironmentVariables().AddInMemoryCollection(settings).AddInMemoryCollection(options.Settings);
        ConfigureLogging(builder.Logging, options);
        var endpoints = new ListenOptions[ports.Length];
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            for (var i = 0; i < ports.Length; i++)
            {
                var index = i;
                foreach (var address in addresses.Take(ports[i].Port == 0 ? 1 : addresses.Count))
                {
                    kestrel.Listen(address, ports[i].Port, listen =>
                    {
                        listen.Protocols = ports[index].Protocols;
                        endpoints[index] ??= listen;
                    });
                }
            }
        });

        // One resource, since spans and metrics are the process's; the first host to start, and the last to stop, collects them.
        builder.AddServiceDefaults("parley", collectsTelemetry: name == LocalSystem.FirstService);
        options.AddServices?.Invoke(builder.Services);
        add(builder);
        builder.Services.AddSingleton<IHostLifetime, ServiceLifetime>();
        var app = builder.Build();
        app.MapServiceDefaults();
        map(app);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new HostedService(name, app, endpoints);
    }

    public IServiceProvider Services => _app.Services;

    /// <summary>The address of an endpoint as this machine reaches it, with the port that it really has.</summary>
    public Uri Address(int endpoint)
    {
        var listening = _endpoints[endpoint].IPEndPoint!;
        var address = listening.Address.Equals(IPAddress.Any) ? IPAddress.Loopback
            : listening.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : listening.Address;
        return new Uri($"http://{new IPEndPoint(address, listening.Port)}");
    }

    /// <summary>Returns once the service reports through <c>grpc.health.v1</c> that it serves.</summary>
    public async Task WaitUntilServingAsync(Uri grpc, CancellationToken cancellationToken)
    {
        using var channel = GrpcClientDefaults.CreateChannel(grpc);
        var client = new Health.HealthClient(channel);
        while (true)
        {
            var reply = await client.CheckAsync(new HealthCheckRequest(), cancellationToken: cancellationToken);
            if (reply.Status == HealthCheckResponse.Types.ServingStatus.Serving)
                return;
            if (_app.Lifetime.ApplicationStopping.IsCancellationRequested)
                throw new InvalidOperationException($"The {_name} stopped before it was ready; its log has the cause.");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Drains and stops the service.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static void ConfigureLogging(ILoggingBuilder logging, LocalSystemOptions options)
    {
        logging.ClearProviders().SetMinimumLevel(options.LogLevelMin);
        // A start that fails is told by whoever asked for it.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning).AddFilter("System.Net.Http", LogLevel.Warning);
        if (options.LoggerProvider is { } provider)
            logging.AddProvider(provider);
        else
            logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
