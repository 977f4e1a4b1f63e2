using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Parley.ServiceDefaults.Telemetry;

namespace Parley.ServiceDefaults;

/// <summary>What every Parley service does alike, in the order in which a process needs it.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Adds telemetry, gRPC server defaults, health, reflection and the shutdown budget.</summary>
    /// <param name="builder">The service's builder.</param>
    /// <param name="serviceName">Name in traces and metrics, e.g. <c>parley-tokenizer</c>.</param>
    /// <param name="collectsTelemetry">
    /// Whether it collects spans and metrics where they are received: those are the process's, so of several hosts in one process one does.
    /// </param>
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
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(30));
        return builder;
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
