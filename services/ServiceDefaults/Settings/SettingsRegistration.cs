using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Parley.ServiceDefaults.Settings;

/// <summary>Options of a service as a section of its configuration, checked before a port opens.</summary>
public static class SettingsRegistration
{
    /// <summary>
    /// Binds a section to its options. The start is refused, with name, value and what is allowed, where a text is none of its type, a
    /// value is out of range, or the section holds a key that the options do not have.
    /// </summary>
    /// <typeparam name="T">The options; each number has a <c>Range</c>.</typeparam>
    /// <param name="services">The service's services.</param>
    /// <param name="section">The section's name.</param>
    public static OptionsBuilder<T> AddSettings<T>(this IServiceCollection services, string section)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<T>, SettingsRules<T>>(
            provider => new SettingsRules<T>(section, provider.GetRequiredService<IConfiguration>())));
        return services.AddOptions<T>()
            .Configure<IConfiguration>((_, configuration) => SettingTexts.Require(typeof(T), configuration.GetSection(section)))
            .BindConfiguration(section)
            .ValidateOnStart();
    }
}
