using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Parley.ServiceDefaults.Settings;

/// <summary>Whether the texts of a section are of the types that its options have; the binder would not say what is allowed.</summary>
internal static class SettingTexts
{
    /// <summary>What the binder finds of a dictionary by name, so that machine code keeps it.</summary>
    private const DynamicallyAccessedMemberTypes Named = DynamicallyAccessedMemberTypes.PublicConstructors
        | DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.PublicProperties;

    /// <exception cref="OptionsValidationException">One is not; the message has its name, the text and what is allowed.</exception>
    [DynamicDependency(Named, typeof(IDictionary<,>))]
    [DynamicDependency(Named, typeof(Dictionary<,>))]
    public static void Require(Type options, IConfigurationSection section)
    {
        var faults = Faults(options, section).ToList();
        if (faults.Count > 0)
            throw new OptionsValidationException(section.Path, options, faults);
    }

    private static IEnumerable<string> Faults(Type options, IConfigurationSection section)
    {
        foreach (var setting in SettingProperty.Of(options))
        {
            var at = section.GetSection(setting.Name);
            if (setting.IsSection)
            {
                foreach (var fault in Faults(setting.Type, at))
                    yield return fault;
            }
            else if (setting.NamedOptions is { } named)
            {
                foreach (var fault in at.GetChildren().SelectMany(one => Faults(named, one)))
                    yield return fault;
            }
            else if (setting.IsScalar && at.Value is { Length: > 0 } text && !IsOf(setting.Type, text))
            {
                yield return $"{section.Path}:{setting.Name} is '{text}'; "
                    + $"{SettingValues.Allowed(setting) ?? $"it is a {setting.Type.Name}"}.";
            }
        }
    }

    private static bool IsOf(Type type, string text)
    {
        try
        {
            _ = TypeDescriptor.GetConverter(type).ConvertFromInvariantString(text);
            return true;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Converters throw what they like: formats, overflows, arguments, and wrappers of those.
            return false;
        }
    }
}
