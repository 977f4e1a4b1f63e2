using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Parley.Generator.Admission;
using Parley.Generator.Engine;
using Parley.Generator.Guidance;
using Parley.Generator.Machine;
using Parley.ServiceDefaults;
using Parley.ServiceDefaults.Settings;

namespace Parley.Generator;

/// <summary>The service at a glance: what it registers, in the order of the flow, and what it maps.</summary>
public static class GeneratorRegistration
{
    /// <summary>Adds the service; its settings are the section <c>Generator</c>.</summary>
    public static WebApplicationBuilder AddGenerator(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddSettings<GeneratorOptions>(GeneratorOptions.SectionName);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<GeneratorOptions>, GeneratorOptionsRules>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(_ => ProcessLimits.Current);
        services.AddMetrics();
        services.TryAddSingleton<GeneratorTelemetry>();
        services.TryAddSingleton<SequenceSpans>();

        // admit → plan, reserve, run, sample, emit: all but the first on the host's one thread
        services.TryAddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<GeneratorOptions>>().Value;
            return new AdmissionQueue(
                options.QueuedRequestsMax, options.QueuedPromptTokensMax, provider.GetRequiredService<TimeProvider>());
        });
        services.TryAddSingleton<PackageOpener>();
        services.TryAddSingleton<Func<ServedModel>>(provider => provider.GetRequiredService<PackageOpener>().Open);
        services.TryAddSingleton<EngineHost>();
        services.AddHostedService(provider => provider.GetRequiredService<EngineHost>());
        services.TryAddSingleton(provider => new GuideCompiler(
            provider.GetRequiredService<IOptions<GeneratorOptions>>().Value.Guides,
            () => provider.GetRequiredService<EngineHost>().Model!.ReadTokens(),
            provider.GetRequiredService<GeneratorTelemetry>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<GuideCompiler>>()));

        services.AddHealthChecks()
            .AddCheck<ReadinessCheck>("generator")
            .AddCheck<LivenessCheck>("generator-engine", tags: [HealthSetup.LiveTag]);
        return builder;
    }

    /// <summary>Maps its endpoints.</summary>
    public static WebApplication MapGenerator(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.MapGrpcService<GenerationService>();
        app.MapGrpcService<AdapterService>();
        return app;
    }
}
