using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;

namespace Parley.ServiceDefaults.Telemetry;

/// <summary>
/// Prometheus' page on a port of its own: a small server beside the service's, so that neither the service's keys nor its limits, nor
/// its way of listening, concern it. It starts before the service and stops behind it.
/// </summary>
public sealed partial class MetricsEndpoint : IHostedService, IAsyncDisposable
{
    internal const string Path = "/metrics";

    /// <summary>Scrapers are few; so many connections are served at once.</summary>
    private const int ConnectionsMax = 64;

    private readonly MeterProvider _meters;
    private readonly TelemetryOptions _options;
    private readonly ILogger<MetricsEndpoint> _logger;
    private WebApplication? _app;

    public MetricsEndpoint(MeterProvider meters, IOptions<TelemetryOptions> options, ILogger<MetricsEndpoint> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_meters, _options, _logger) = (meters, options.Value, logger);
    }

    /// <summary>The page, with the port that it really has; null before the start.</summary>
    public Uri? Address { get; private set; }

    /// <exception cref="IOException">The port cannot be had; the message names the setting.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var port = _options.MetricsPort ?? 0;
        var addresses = ServiceHost.Addresses(_options.MetricsHost);
        ListenOptions? first = null;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, GuestLifetime>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            (kestrel.Limits.MaxConcurrentConnections, kestrel.Limits.MaxRequestBodySize) = (ConnectionsMax, 0);
            foreach (var address in addresses.Take(port == 0 ? 1 : addresses.Count))
            {
                kestrel.Listen(address, port, listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    first ??= listen;
                });
            }
        });
        _app = builder.Build();
        _app.UseOpenTelemetryPrometheusScrapingEndpoint(_meters, null, Path, null, null);
        _app.Run(context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return context.Response.WriteAsync($"The figures are at {Path}.\n", context.RequestAborted);
        });
        try
        {
            await _app.StartAsync(cancellationToken);
        }
        catch (IOException exception)
        {
            throw new IOException(
                $"{TelemetryOptions.Section}:{nameof(TelemetryOptions.MetricsPort)}: port {port} of {_options.MetricsHost} cannot be had "
                + $"({exception.Message}).");
        }

        Address = AddressOf(first!.IPEndPoint!);
        LogListening(_logger, Address);
    }

    public Task StopAsync(CancellationToken cancellationToken) => _app?.StopAsync(cancellationToken) ?? Task.CompletedTask;

    public ValueTask DisposeAsync() => _app?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static Uri AddressOf(IPEndPoint endpoint)
    {
        var address = endpoint.Address.Equals(IPAddress.Any) ? IPAddress.Loopback
            : endpoint.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : endpoint.Address;
        return new Uri($"http://{new IPEndPoint(address, endpoint.Port)}{Path}");
    }

    [LoggerMessage(3, LogLevel.Information, "Metrics for Prometheus: {Address}")]
    private static partial void LogListening(ILogger logger, Uri address);
}
