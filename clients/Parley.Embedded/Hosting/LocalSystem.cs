using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Parley.Embedded.Memory;
using Parley.Gateway;
using Parley.Gateway.Upstream;
using Parley.Generator;
using Parley.Generator.Engine;
using Parley.ServiceDefaults.Telemetry;
using Parley.Tokenizer;

namespace Parley.Embedded.Hosting;

/// <summary>
/// The three services in one process, with real gRPC between them.
/// Started Tokenizer, Generator, Gateway; stopped the other way round, so that no service loses the one that it calls.
/// </summary>
internal sealed class LocalSystem : IAsyncDisposable
{
    /// <summary>It is up before the others and gone after them.</summary>
    public const string FirstService = "Tokenizer";

    private const string LastService = "gateway";

    /// <summary>Where the Gateway's gRPC is of a system in memory.</summary>
    public const string GatewayInMemory = $"http://{LastService}/";

    private readonly Stack<HostedService> _running = new();

    private LocalSystem()
    {
    }

    /// <summary>Page, OpenAI HTTP and gRPC-Web; only on ports.</summary>
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
        var service = await HostedService.StartAsync(FirstService, options, settings, [Inside(options, FirstService)],
            builder => builder.AddTokenizer(), app => app.MapTokenizer(), null, cancellationToken);
        _running.Push(service);
        Tokenizer = service.Address(0);
        Metrics = service.Services.GetService<MetricsEndpoint>()?.Address;
        await service.WaitUntilServingAsync(options, Tokenizer, cancellationToken);
    }

    private async Task StartGeneratorAsync(LocalSystemOptions options, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string?> { ["Generator:PackageDirectory"] = options.PackageDirectory };
        if (options.Threads > 0)
            settings["Generator:Threads"] = options.Threads.ToString(CultureInfo.InvariantCulture);
        var service = await HostedService.StartAsync("Generator", options, settings, [Inside(options, "Generator")],
            builder =>
            {
                if (options.OpenModel is { } openModel)
                    builder.Services.AddSingleton(openModel);
                builder.AddGenerator();
            },
            app => app.MapGenerator(), LoadFault, cancellationToken);
        _running.Push(service);
        Generator = service.Address(0);
        await service.WaitUntilServingAsync(options, Generator, cancellationToken);
    }

    private async Task StartGatewayAsync(LocalSystemOptions options, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Gateway:TokenizerAddress"] = Tokenizer.AbsoluteUri,
            ["Gateway:GeneratorAddress"] = Generator.AbsoluteUri,
        };
        var service = await HostedService.StartAsync("Gateway", options, settings, GatewayEndpoints(options),
            builder =>
            {
                builder.Services.AddSingleton<UpstreamChannelFactory>(options.CreateChannel);
                builder.AddGateway();
            },
            app => app.MapGateway(), null, cancellationToken);
        _running.Push(service);
        NeedsKey = GatewayRegistration.NeedsKey(service.Services);
        Grpc = service.Address(options.Memory is null ? 1 : 0);
        if (options.Memory is null)
            Http = service.Address(0);
        await service.WaitUntilServingAsync(options, Grpc, cancellationToken);
    }

    /// <summary>Why the engine's own thread could not load the model; null where it could, or has not tried.</summary>
    private static Exception? LoadFault(IServiceProvider generator) =>
        generator.GetRequiredService<EngineHost>().Ready is { IsFaulted: true, Exception.InnerException: { } cause }
            ? new InvalidDataException($"The model could not be loaded: {cause.Message}", cause) : null;

    private static ServiceEndpoint[] GatewayEndpoints(LocalSystemOptions options) => options.Memory is not null
        ? [Inside(options, LastService)]
        :
        [
            ServiceEndpoint.OnPort(options.Addresses, options.HttpPort, HttpProtocols.Http1),
            ServiceEndpoint.OnPort(options.Addresses, options.GrpcPort, HttpProtocols.Http2),
        ];

    private static ServiceEndpoint Inside(LocalSystemOptions options, string service) => options.Memory is not null
        ? new([new MemoryEndPoint(service)], HttpProtocols.Http2)
        : ServiceEndpoint.OnPort([IPAddress.Loopback], 0, HttpProtocols.Http2);
}
