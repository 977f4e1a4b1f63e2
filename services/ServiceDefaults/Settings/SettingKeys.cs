using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;

namespace Parley.ServiceDefaults.Settings;

/// <summary>
/// Finds keys that nobody reads: a mistyped setting would else leave the default in force without a word. Only sections of ours are
/// looked at, so variables of other software do not matter; those that Kubernetes makes of a service's name (<c>GENERATOR_PORT</c>)
/// have single underscores and are in no section.
/// </summary>
internal static class SettingKeys
{
    private const int NearestCount = 3;

    /// <summary>How many letters a section's name may be off to count as meant.</summary>
    private const int SectionDistanceMax = 2;

    /// <summary>What is wrong: each unknown key with where it comes from and the nearest known ones.</summary>
    /// <param name="options">The options of the section.</param>
    /// <param name="section">Its name.</param>
    /// <param name="configuration">All settings.</param>
    public static IEnumerable<string> Faults(Type options, string section, IConfiguration configuration)
    {
        var known = SettingProperty.Of(options).Select(setting => setting.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        // A section that nobody reads, and that holds what one of ours does under nearly its name.
        var mistyped = configuration.GetChildren().Where(other =>
            !other.Key.Equals(section, StringComparison.OrdinalIgnoreCase) && EditDistance.Between(other.Key, section) <= SectionDistanceMax
            && other.GetChildren().Any(child => known.Contains(child.Key)));
        return mistyped
            .Select(other => $"{other.Key} is no section of Parley{From(configuration, other)}; the nearest is {section}.")
            .Concat(Unknown(options, configuration.GetSection(section), configuration));
    }

    /// <summary>The same for a section whose keys are no options.</summary>
    public static IEnumerable<string> Faults(IReadOnlyCollection<string> known, string section, IConfiguration configuration) =>
        configuration.GetSection(section).GetChildren()
            .Where(child => !known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            .Select(child => Fault(child, known, configuration));

    private static IEnumerable<string> Unknown(Type options, IConfigurationSection section, IConfiguration configuration)
    {
        var known = SettingProperty.Of(options).ToDictionary(setting => setting.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var child in section.GetChildren())
        {
            if (!known.TryGetValue(child.Key, out var setting))
            {
                yield return Fault(child, known.Keys, configuration);
            }
            else if (setting.IsSection)
            {
                foreach (var fault in Unknown(setting.Type, child, configuration))
                    yield return fault;
            }
            else if (setting.NamedOptions is { } named)
            {
                foreach (var one in child.GetChildren())
                {
                    if (!one.GetChildren().Any())
                        yield return $"{one.Path} is one value{From(configuration, one)}; settings lie below it, e.g. {one.Path}:"
                            + $"{SettingProperty.Of(named).First().Name}.";
                    foreach (var fault in Unknown(named, one, configuration))
                        yield return fault;
                }
            }
            else if (setting.IsScalar && child.GetChildren().FirstOrDefault() is { } below)
            {
                yield return $"{below.Path} is no setting of Parley{From(configuration, below)}; {child.Path} is one value.";
            }
        }
    }

    private static string Fault(IConfigurationSection child, IEnumerable<string> known, IConfiguration configuration)
    {
        var parent = child.Path[..^child.Key.Length];
        var nearest = known.OrderBy(name => Distance(name, child.Key)).ThenBy(name => name, StringComparer.Ordinal)
            .Take(NearestCount).Select(name => parent + name);
        return $"{child.Path} is no setting of Parley{From(configuration, child)}; the nearest are {string.Join(", ", nearest)}.";
    }

    /// <summary>Letters between two names; one that is only begun is nearer than its length says.</summary>
    private static int Distance(string name, string key) => Math.Min(
        EditDistance.Between(name, key), EditDistance.Between(name[..Math.Min(name.Length, key.Length + 1)], key) + 1);

    /// <summary>Where a key, or the first below it, comes from; empty where that is not known.</summary>
    private static string From(IConfiguration configuration, IConfigurationSection section)
    {
        var key = section.Path;
        while (configuration.GetSection(key) is { Value: null } at && at.GetChildren().FirstOrDefault() is { } child)
            key = child.Path;
        foreach (var provider in (configuration as IConfigurationRoot)?.Providers.Reverse() ?? [])
        {
            if (!provider.TryGet(key, out _))
                continue;
            return provider switch
            {
                EnvironmentVariablesConfigurationProvider =>
                    $" (environment variable {key.Replace(":", "__", StringComparison.Ordinal)})",
                CommandLineConfigurationProvider => " (command line)",
                JsonConfigurationProvider json => $" ({json.Source.Path})",
                _ => "",
            };
        }

        return "";
    }
}
