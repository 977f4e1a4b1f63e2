using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Parley.ServiceDefaults.Settings;

/// <summary>A JSON text of settings that are read outside of the configuration, e.g. because they change while the service runs.</summary>
public static class SettingsFile
{
    // Faults name a setting by its path; the caller says in which file.
    private const string Root = "file";

    /// <summary>Binds a JSON object to options, held to the same rules as a section: types, ranges, no key that nobody reads.</summary>
    /// <typeparam name="T">The options.</typeparam>
    /// <param name="json">UTF-8, an object; comments and trailing commas are taken.</param>
    /// <exception cref="InvalidDataException">It is none, or breaks a rule; the message names all faults.</exception>
    public static T Read<T>(Stream json)
        where T : class, new()
    {
        try
        {
            var nested = new ConfigurationBuilder().AddJsonStream(json).Build().AsEnumerable()
                .Select(pair => KeyValuePair.Create($"{Root}:{pair.Key}", pair.Value));
            var configuration = new ConfigurationBuilder().AddInMemoryCollection(nested).Build();
            var section = configuration.GetSection(Root);
            SettingTexts.Require(typeof(T), section);
            var options = new T();
            section.Bind(options);
            List<string> faults = [.. SettingKeys.Faults(typeof(T), Root, configuration), .. SettingValues.Faults(options, Root)];
            return faults.Count == 0 ? options : throw new OptionsValidationException(Root, typeof(T), faults);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or OptionsValidationException)
        {
            throw new InvalidDataException(exception.Message.Replace($"{Root}:", "", StringComparison.Ordinal), exception);
        }
    }
}
