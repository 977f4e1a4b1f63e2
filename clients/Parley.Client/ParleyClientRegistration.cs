using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Parley.Client;

/// <summary>Registers the client: as itself, and as the <see cref="IChatClient"/> of the container.</summary>
public static class ParleyClientRegistration
{
    /// <summary>
    /// Adds one <see cref="ParleyChatClient"/>, made at its first use and disposed with the container. For a pipeline around it, add
    /// <c>services.AddChatClient(provider => provider.GetRequiredService&lt;ParleyChatClient&gt;())</c> after this.
    /// </summary>
    /// <param name="services">The container.</param>
    /// <param name="configure">Sets what is not at its default.</param>
    /// <returns>The same container.</returns>
    public static IServiceCollection AddParleyChatClient(this IServiceCollection services, Action<ParleyClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        AddOptions(services, Options.DefaultName, configure);
        services.TryAddSingleton(provider => Create(provider, Options.DefaultName));
        services.TryAddSingleton<IChatClient>(provider => provider.GetRequiredService<ParleyChatClient>());
        return services;
    }

    /// <summary>
    /// The same, with settings from configuration, e.g. a section with <c>Address</c>, <c>ApiKey</c> and <c>Retry:AttemptsMax</c>.
    /// </summary>
    /// <param name="services">The container.</param>
    /// <param name="configuration">The section.</param>
    /// <returns>The same container.</returns>
    public static IServiceCollection AddParleyChatClient(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        services.AddOptions<ParleyClientOptions>().Bind(configuration);
        return services.AddParleyChatClient();
    }

    /// <summary>Adds a client under a key, for programs that talk to several servers.</summary>
    /// <param name="services">The container.</param>
    /// <param name="serviceKey">The key; the client's options have the same name.</param>
    /// <param name="configure">Sets what is not at its default.</param>
    /// <returns>The same container.</returns>
    public static IServiceCollection AddKeyedParleyChatClient(
        this IServiceCollection services, string serviceKey, Action<ParleyClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(serviceKey);
        AddOptions(services, serviceKey, configure);
        services.TryAddKeyedSingleton(serviceKey, (provider, _) => Create(provider, serviceKey));
        services.TryAddKeyedSingleton<IChatClient>(serviceKey, (provider, key) => provider.GetRequiredKeyedService<ParleyChatClient>(key));
        return services;
    }

    private static void AddOptions(IServiceCollection services, string name, Action<ParleyClientOptions>? configure)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ParleyClientOptions>, ParleyClientOptionsRules>());
        var options = services.AddOptions<ParleyClientOptions>(name);
        if (configure is not null)
            options.Configure(configure);
    }

    private static ParleyChatClient Create(IServiceProvider provider, string name) =>
        new(provider.GetRequiredService<IOptionsMonitor<ParleyClientOptions>>().Get(name), provider.GetService<ILoggerFactory>());
}
