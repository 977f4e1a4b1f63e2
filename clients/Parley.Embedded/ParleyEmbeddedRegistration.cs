using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Parley.Embedded;

/// <summary>Registers the client: as itself, and as the <see cref="IChatClient"/> of the container.</summary>
public static class ParleyEmbeddedRegistration
{
    /// <summary>
    /// Adds one <see cref="ParleyChatClient"/>, which loads its model at its first use and is disposed with the container. For a pipeline
    /// around it, add <c>services.AddChatClient(provider => provider.GetRequiredService&lt;ParleyChatClient&gt;())</c> after this.
    /// </summary>
    /// <param name="services">The container.</param>
    /// <param name="configure">Sets the model, and what is not at its default.</param>
    /// <returns>The same container.</returns>
    public static IServiceCollection AddEmbeddedParley(this IServiceCollection services, Action<ParleyEmbeddedOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        AddOptions(services, Options.DefaultName, configure);
        services.TryAddSingleton(provider => Create(provider, Options.DefaultName));
        services.TryAddSingleton<IChatClient>(provider => provider.GetRequiredService<ParleyChatClient>());
        return services;
    }

    /// <summary>The same, with settings from configuration, e.g. a section with <c>Model</c> and <c>Threads</c>.</summary>
    /// <param name="services">The container.</param>
    /// <param name="configuration">The section.</param>
    /// <returns>The same container.</returns>
    public static IServiceCollection AddEmbeddedParley(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        services.AddOptions<ParleyEmbeddedOptions>().Bind(configuration).Configure(options => ReadSettings(options, configuration));
        return services.AddEmbeddedParley();
    }

    /// <summary>Adds a client under a key, for programs with several models.</summary>
    /// <param name="services">The container.</param>
    /// <param name="serviceKey">The key; the client's options have the same name.</param>
    /// <param name="configure">Sets the model, and what is not at its default.</param>
    /// <returns>The same container.</returns>
    public static IServiceCollection AddKeyedEmbeddedParley(
        this IServiceCollection services, string serviceKey, Action<ParleyEmbeddedOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(serviceKey);
        AddOptions(services, serviceKey, configure);
        services.TryAddKeyedSingleton(serviceKey, (provider, _) => Create(provider, serviceKey));
        services.TryAddKeyedSingleton<IChatClient>(serviceKey, (provider, key) => provider.GetRequiredKeyedService<ParleyChatClient>(key));
        return services;
    }

    /// <summary>Their names have sections, as the services have them: <c>Settings:Generator:StepTokensMax</c>.</summary>
    private static void ReadSettings(ParleyEmbeddedOptions options, IConfiguration configuration)
    {
        foreach (var (key, value) in configuration.GetSection(nameof(options.Settings)).AsEnumerable(makePathsRelative: true))
        {
            if (value is not null)
                options.Settings[key] = value;
        }
    }

    private static void AddOptions(IServiceCollection services, string name, Action<ParleyEmbeddedOptions>? configure)
    {
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<ParleyEmbeddedOptions>, ParleyEmbeddedOptionsRules>());
        var options = services.AddOptions<ParleyEmbeddedOptions>(name);
        if (configure is not null)
            options.Configure(configure);
    }

    private static ParleyChatClient Create(IServiceProvider provider, string name) =>
        new(provider.GetRequiredService<IOptionsMonitor<ParleyEmbeddedOptions>>().Get(name), provider.GetService<ILoggerFactory>());
}
