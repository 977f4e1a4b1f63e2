using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Parley.Cli.Hub;
using Parley.Gateway;
using Parley.Gateway.Ollama;
using Parley.Generator;
using Parley.ServiceDefaults.Telemetry;
using Parley.Tokenizer;

namespace Parley.Cli.Hosting;

/// <summary>
/// The three services in one process, with real gRPC between them.
/// Started Tokenizer, Generator, Gateway; stopped the other way round, so that no service loses the one that it calls.
/// </summary>
internal sealed class LocalSystem : IAsyncDisposable
{
    /// <summary>It is up before the others and gone after them.</summary>
    public const string FirstService = "Tokenizer";

    private readonly Stack<HostedService> _running = new();

    private LocalSystem()
    {
    }

    /// <summary>Page, OpenAI HTTP and gRPC-Web.</summary>
    public Uri Http { get; private set; } = null!;

    /// <summary>The Gateway's gRPC.</summary>
    public Uri Grpc { get; private set; } = null!;

    /// <summary>Whether callers must send a key.</summary>
    public bool NeedsKey { get; private set; }

    public Uri Tokenizer { get; private set; } = null!;

    public Uri Generator { get; private set; } = null!;

    /// <summary>Prometheus' page of all three; null where there is none.</summary>
    public Uri? Metrics { get; private set; }

    /// <summary>Starts all three and returns once each reports that it is ready.</summary>
    /// <exception cref="IOException">A port is in use.</exception>
    /// <exception cref="InvalidDataException">The package is missing or broken.</exception>
    public static async Task<LocalSystem> StartAsync(LocalSystemOptions options, CancellationToken cancellationToken)
    {
        var system = new LocalSystem();
        try
        {
            await system.StartTokenizerAsync(options, cancellationToken);
            await system.StartGeneratorAsync(options, cancellationToken);
            await system.StartGatewayAsync(options, cancellationToken);
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    /// <summary>Drains and stops Gateway, Generator and Tokenizer, in this order.</summary>
    public async ValueTask DisposeAsync()
    {
        while (_running.TryPop(out var service))
            await service.DisposeAsync();
    }

    /// <summary>Stops the Generator under a running Gateway: what a node failure looks like. For tests.</summary>
    internal async Task StopGeneratorAsync()
    {
        var gateway = _running.Pop();
        await _running.Pop().DisposeAsync();
        _running.Push(gateway);
    }

    private async Task StartTokenizerAsync(LocalSystemOptions options, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string?> { ["Tokenizer:PackageDirectory"] = options.PackageDirectory };
        var service = await HostedService.StartAsync(FirstService, options, settings, [IPAddress.Loopback], [(0, HttpProtocols.Http2)],
            builder => builder.AddTokenizer(), app => app.MapTokenizer(), cancellationToken);
        _running.Push(service);
        Tokenizer = service.Address(0);
        Metrics = service.Services.GetService<MetricsEndpoint>()?.Address;
        await service.WaitUntilServingAsync(Tokenizer, cancellationToken);
    }

    private async Task StartGeneratorAsync(LocalSystemOptions options, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string?> { ["Generator:PackageDirectory"] = options.PackageDirectory };
        if (options.Threads > 0)
            settings["Generator:Threads"] = options.Threads.ToString(CultureInfo.InvariantCulture);
        var service = await HostedService.StartAsync("Generator", options, settings, [IPAddress.Loopback], [(0, HttpProtocols.Http2)],
            builder =>
            {
                if (options.OpenModel is { } openModel)
                    builder.Services.AddSingleton(openModel);
                builder.AddGenerator();
            },
            app => app.MapGenerator(), cancellationToken);
        _running.Push(service);
        Generator = service.Address(0);
        await service.WaitUntilServingAsync(Generator, cancellationToken);
    }

    private async Task StartGatewayAsync(LocalSystemOptions options, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Gateway:TokenizerAddress"] = Tokenizer.AbsoluteUri,
            ["Gateway:GeneratorAddress"] = Generator.AbsoluteUri,
        };
        var service = await HostedService.StartAsync("Gateway", options, settings, options.Addresses,
            [(options.HttpPort, HttpProtocols.Http1), (options.GrpcPort, HttpProtocols.Http2)],
            builder =>
            {
                builder.Services.AddSingleton<IModelPull>(new HubModelPull(Environment.GetEnvironmentVariable));
                builder.AddGateway();
            },
            app => app.MapGateway(), cancellationToken);
        _running.Push(service);
        NeedsKey = GatewayRegistration.NeedsKey(service.Services);
        Http = service.Address(0);
        Grpc = service.Address(1);
        await service.WaitUntilServingAsync(Grpc, cancellationToken);
    }
}
