using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Parley.ServiceDefaults.Telemetry;

namespace Parley.ServiceDefaults;

/// <summary>What every Parley service does alike, in the order in which a process needs it.</summary>
public static class ServiceDefaultsExtensions
{
    internal const string ShutdownKey = "Parley:ShutdownSeconds";
    private const int ShutdownSecondsDefault = 30;
    private const int ShutdownSecondsMax = 3600;

    /// <summary>Adds telemetry, gRPC server defaults, health, reflection and the shutdown budget.</summary>
    /// <param name="builder">The service's builder.</param>
    /// <param name="serviceName">Name in traces and metrics, e.g. <c>parley-tokenizer</c>.</param>
    /// <param name="collectsTelemetry">
    /// Whether it collects spans and metrics where they are received: those are the process's, so of several hosts in one process one does.
    /// </param>
    /// <exception cref="InvalidDataException">A setting that is read here is wrong; the message names it.</exception>
    public static WebApplicationBuilder AddServiceDefaults(
        this WebApplicationBuilder builder, string serviceName, bool collectsTelemetry = true)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.AddParleyTelemetry(serviceName, collectsTelemetry);
        builder.Services.AddParleyGrpcServer();
        builder.Services.AddParleyHealth();
        // Which server this is made of is nobody's business outside.
        builder.Services.Configure<KestrelServerOptions>(options => options.AddServerHeader = false);
        var shutdownTime = ShutdownTime(builder.Configuration);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = shutdownTime);
        return builder;
    }

    /// <summary>How long a service that was told to stop may finish what it has begun: <c>Parley:ShutdownSeconds</c>.</summary>
    /// <exception cref="InvalidDataException">The setting is no number of its range.</exception>
    internal static TimeSpan ShutdownTime(IConfiguration configuration)
    {
        var text = configuration[ShutdownKey];
        if (string.IsNullOrEmpty(text))
            return TimeSpan.FromSeconds(ShutdownSecondsDefault);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && seconds is >= 1 and <= ShutdownSecondsMax
            ? TimeSpan.FromSeconds(seconds)
            : throw new InvalidDataException($"{ShutdownKey} is '{text}'; give whole seconds from 1 to {ShutdownSecondsMax}.");
    }

    /// <summary>Maps <c>grpc.health.v1</c>, health over HTTP, and server reflection.</summary>
    public static WebApplication MapServiceDefaults(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.MapParleyHealth();
        app.MapGrpcReflectionService();
        return app;
    }
}
