using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Parley.ServiceDefaults.Settings;

/// <summary>What every section of ours is held to: each value within its range, and no key that nobody reads.</summary>
/// <param name="section">The section's name.</param>
/// <param name="configuration">All settings of the process.</param>
internal sealed class SettingsRules<T>(string section, IConfiguration configuration) : IValidateOptions<T>
    where T : class
{
    public ValidateOptionsResult Validate(string? name, T options)
    {
        List<string> faults =
        [
            .. SettingKeys.Faults(typeof(T), section, configuration),
            .. SettingValues.Faults(options, section),
        ];
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
