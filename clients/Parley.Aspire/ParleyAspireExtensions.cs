using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Parley.Aspire;
using Parley.Client;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds clients of the Parley servers that an Aspire app host connects.</summary>
public static class ParleyAspireExtensions
{
    /// <summary>Name of the source of spans and of the meter of chats.</summary>
    public const string TelemetrySourceName = "Parley.Client";

    private const string Section = "Aspire:Parley:Client";

    /// <summary>
    /// Adds the <see cref="ParleyChatClient"/> of a connection and, as the <see cref="IChatClient"/> of the container, a pipeline around it
    /// that tells of chats; what else belongs in the pipeline is added to what this returns.
    /// </summary>
    /// <param name="builder">The program's builder.</param>
    /// <param name="connectionName">Name of the connection: that of the app host's resource.</param>
    /// <param name="configure">The last word on the settings.</param>
    /// <param name="configureClient">The last word on the client's options.</param>
    /// <returns>The pipeline's builder, e.g. for <c>UseFunctionInvocation</c>.</returns>
    /// <exception cref="InvalidOperationException">There is no such connection, or it is none; the message names it.</exception>
    public static ChatClientBuilder AddParleyChatClient(
        this IHostApplicationBuilder builder, string connectionName, Action<ParleyAspireSettings>? configure = null,
        Action<ParleyClientOptions>? configureClient = null)
    {
        var (settings, setOptions) = Read(builder, connectionName, configure, configureClient);
        builder.Services.AddParleyChatClient(setOptions);
        AddTelling(builder.Services, connectionName, settings, provider => provider.GetRequiredService<ParleyChatClient>());
        return Tell(builder.Services.AddChatClient(provider => provider.GetRequiredService<ParleyChatClient>()), settings);
    }

    /// <summary>The same under a key, for programs that talk to several servers.</summary>
    /// <param name="builder">The program's builder.</param>
    /// <param name="name">Name of the connection, and the key of both clients.</param>
    /// <param name="configure">The last word on the settings.</param>
    /// <param name="configureClient">The last word on the client's options.</param>
    /// <returns>The pipeline's builder, e.g. for <c>UseFunctionInvocation</c>.</returns>
    /// <exception cref="InvalidOperationException">There is no such connection, or it is none; the message names it.</exception>
    public static ChatClientBuilder AddKeyedParleyChatClient(
        this IHostApplicationBuilder builder, string name, Action<ParleyAspireSettings>? configure = null,
        Action<ParleyClientOptions>? configureClient = null)
    {
        var (settings, setOptions) = Read(builder, name, configure, configureClient);
        builder.Services.AddKeyedParleyChatClient(name, setOptions);
        AddTelling(builder.Services, name, settings, provider => provider.GetRequiredKeyedService<ParleyChatClient>(name));
        return Tell(
            builder.Services.AddKeyedChatClient(name, provider => provider.GetRequiredKeyedService<ParleyChatClient>(name)), settings);
    }

    private static (ParleyAspireSettings Settings, Action<ParleyClientOptions> SetOptions) Read(
        IHostApplicationBuilder builder, string name, Action<ParleyAspireSettings>? configure,
        Action<ParleyClientOptions>? configureClient)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var common = builder.Configuration.GetSection(Section);
        var own = common.GetSection(name);
        var settings = new ParleyAspireSettings();
        common.Bind(settings);
        own.Bind(settings);
        if (builder.Configuration.GetConnectionString(name) is { Length: > 0 } given)
            settings.ConnectionString = given;
        configure?.Invoke(settings);
        var connection = settings.ConnectionString is { Length: > 0 } text
            ? ParleyConnection.Parse(text, name)
            : throw new InvalidOperationException(
                $"There is no connection string '{name}': in the app host this project needs WithReference of the server of that name; "
                + $"elsewhere the setting ConnectionStrings:{name} gives it.");
        return (settings, SetOptions);

        void SetOptions(ParleyClientOptions options)
        {
            common.Bind(options);
            own.Bind(options);
            connection.Apply(options);
            configureClient?.Invoke(options);
        }
    }

    /// <summary>The health check, and whose spans and figures the program collects.</summary>
    private static void AddTelling(
        IServiceCollection services, string name, ParleyAspireSettings settings, Func<IServiceProvider, ParleyChatClient> clientOf)
    {
        if (!settings.DisableHealthChecks)
        {
            services.AddHealthChecks().Add(new HealthCheckRegistration(
                $"Parley_{name}", provider => new ParleyHealthCheck(clientOf(provider)), failureStatus: null, tags: null));
        }

        if (!settings.DisableTracing)
            services.AddOpenTelemetry().WithTracing(tracing => tracing.AddSource(TelemetrySourceName));
        if (!settings.DisableMetrics)
            services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(TelemetrySourceName));
    }

    private static ChatClientBuilder Tell(ChatClientBuilder pipeline, ParleyAspireSettings settings) =>
        settings.DisableTracing && settings.DisableMetrics
            ? pipeline
            : pipeline.UseOpenTelemetry(sourceName: TelemetrySourceName, configure: telling =>
            {
                if (settings.EnableSensitiveTelemetryData is { } isContentTold)
                    telling.EnableSensitiveData = isContentTold;
            });
}
