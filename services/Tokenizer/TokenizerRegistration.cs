using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Parley.ServiceDefaults.Settings;

namespace Parley.Tokenizer;

/// <summary>The service at a glance: what it registers, in the order of the flow, and what it maps.</summary>
public static class TokenizerRegistration
{
    /// <summary>Adds the service: options, the model they name, telemetry, readiness. The model is loaded before a port opens.</summary>
    public static WebApplicationBuilder AddTokenizer(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddSettings<TokenizerOptions>(TokenizerOptions.Section);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(provider => new Lazy<TokenizerModel>(() => TokenizerModel.Load(
            provider.GetRequiredService<IOptions<TokenizerOptions>>().Value, provider.GetRequiredService<TimeProvider>())));
        services.TryAddSingleton(provider => provider.GetRequiredService<Lazy<TokenizerModel>>().Value);
        services.TryAddSingleton<TokenizerTelemetry>();
        services.AddHostedService<TokenizerStartup>();
        services.AddHealthChecks().Add(new HealthCheckRegistration("tokenizer",
            provider => new TokenizerReadinessCheck(provider.GetRequiredService<Lazy<TokenizerModel>>()), HealthStatus.Unhealthy, null));
        return builder;
    }

    /// <summary>Maps its endpoints.</summary>
    public static WebApplication MapTokenizer(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.MapGrpcService<TokenizationService>();
        return app;
    }
}
