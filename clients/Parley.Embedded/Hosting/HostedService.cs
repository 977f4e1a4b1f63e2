using System.Net;
using Grpc.Health.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Parley.Embedded.Memory;
using Parley.ServiceDefaults;

namespace Parley.Embedded.Hosting;

/// <summary>One service hosted in this process: the same registration that its own program uses, on endpoints of our choice.</summary>
internal sealed class HostedService : IAsyncDisposable
{
    private readonly string _name;
    private readonly WebApplication _app;
    private readonly ListenOptions[] _endpoints;
    private readonly Func<IServiceProvider, Exception?> _faultOf;

    private HostedService(string name, WebApplication app, ListenOptions[] endpoints, Func<IServiceProvider, Exception?>? faultOf)
    {
        _name = name;
        _app = app;
        _endpoints = endpoints;
        _faultOf = faultOf ?? (_ => null);
    }

    public IServiceProvider Services => _app.Services;

    /// <summary>Builds and starts a service.</summary>
    /// <param name="name">Its name in messages, e.g. <c>Tokenizer</c>.</param>
    /// <param name="options">Log level, further settings.</param>
    /// <param name="settings">The service's own settings.</param>
    /// <param name="endpoints">Its endpoints in order.</param>
    /// <param name="add">Registers the service.</param>
    /// <param name="map">Maps its endpoints.</param>
    /// <param name="faultOf">What the service itself knows of a start that failed; null is nothing.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<HostedService> StartAsync(
        string name,
        LocalSystemOptions options,
        Dictionary<string, string?> settings,
        ServiceEndpoint[] endpoints,
        Action<WebApplicationBuilder> add,
        Action<WebApplication> map,
        Func<IServiceProvider, Exception?>? faultOf,
        CancellationToken cancellationToken)
    {
        var builder = CreateBuilder(options);
        builder.Configuration.AddInMemoryCollection(settings).AddInMemoryCollection(options.Settings);
        ConfigureLogging(builder.Logging, options);
        var listening = new ListenOptions[endpoints.Length];
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            for (var i = 0; i < endpoints.Length; i++)
            {
                var index = i;
                foreach (var place in endpoints[i].Places)
                {
                    kestrel.Listen(place, listen =>
                    {
                        listen.Protocols = endpoints[index].Protocols;
                        listening[index] ??= listen;
                    });
                }
            }
        });

        // One resource, since spans and metrics are the process's; the first host to start, and the last to stop, collects them.
        builder.AddServiceDefaults("parley", collectsTelemetry: options.Memory is null && name == LocalSystem.FirstService);
        options.AddServices?.Invoke(builder.Services);
        add(builder);
        builder.Services.AddSingleton<IHostLifetime, ServiceLifetime>();
        // Last, so that the Gateway's guard is not asked about a place that nobody else can reach.
        if (options.Memory is { } memory)
            builder.Services.AddSingleton<IConnectionListenerFactory>(memory);
        var app = builder.Build();
        app.MapServiceDefaults();
        map(app);
        var service = new HostedService(name, app, listening, faultOf);
        try
        {
            await app.StartAsync(cancellationToken);
            return service;
        }
        catch
        {
            // One that stops by itself while it starts says no more than that it was cancelled.
            var fault = service._faultOf(app.Services);
            await app.DisposeAsync();
            if (fault is not null)
                throw fault;
            throw;
        }
    }

    /// <summary>The address of an endpoint as this machine reaches it, with the port that it really has.</summary>
    public Uri Address(int endpoint)
    {
        if (_endpoints[endpoint].EndPoint is MemoryEndPoint memory)
            return memory.Address;
        var listening = _endpoints[endpoint].IPEndPoint!;
        var address = listening.Address.Equals(IPAddress.Any) ? IPAddress.Loopback
            : listening.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : listening.Address;
        return new Uri($"http://{new IPEndPoint(address, listening.Port)}");
    }

    /// <summary>Returns once the service reports through <c>grpc.health.v1</c> that it serves.</summary>
    public async Task WaitUntilServingAsync(LocalSystemOptions options, Uri grpc, CancellationToken cancellationToken)
    {
        try
        {
            await WaitAsync(options, grpc, cancellationToken);
        }
        catch (Exception) when (_faultOf(_app.Services) is { } fault)
        {
            throw fault;
        }
    }

    /// <summary>Drains and stops the service.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task WaitAsync(LocalSystemOptions options, Uri grpc, CancellationToken cancellationToken)
    {
        using var channel = options.CreateChannel(grpc);
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

    private static WebApplicationBuilder CreateBuilder(LocalSystemOptions options)
    {
        var web = new WebApplicationOptions { ApplicationName = "parley", ContentRootPath = AppContext.BaseDirectory };
        if (options.Memory is not null)
        {
            // The program's variables and settings files are about the program.
            var guest = WebApplication.CreateEmptyBuilder(web);
            guest.WebHost.UseKestrelCore();
            guest.Services.AddRoutingCore();
            return guest;
        }

        var builder = WebApplication.CreateBuilder(web);
        // The services' own appsettings.json files would meet in this folder, and only one of them could be here.
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddEnvironmentVariables();
        return builder;
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
