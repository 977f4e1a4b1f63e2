using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace Parley.ServiceDefaults.Settings;

/// <summary>Holds each value of some options to the attributes on it.</summary>
internal static class SettingValues
{
    /// <summary>What is wrong, each with the setting's name, its value, and what is allowed.</summary>
    /// <param name="options">The options.</param>
    /// <param name="path">Their section.</param>
    public static IEnumerable<string> Faults(object options, string path)
    {
        foreach (var setting in SettingProperty.Of(options.GetType()))
        {
            var (value, at) = (setting.Property.GetValue(options), $"{path}:{setting.Name}");
            if (setting.IsSection && value is not null)
            {
                foreach (var fault in Faults(value, at))
                    yield return fault;
            }

            if (setting.NamedOptions is not null && value is IDictionary named)
            {
                foreach (var fault in named.Keys.Cast<string>().SelectMany(name => Faults(named[name]!, $"{at}:{name}")))
                    yield return fault;
            }

            foreach (var rule in setting.Property.GetCustomAttributes<ValidationAttribute>().Where(rule => !rule.IsValid(value)))
                yield return Fault(rule, at, value);
        }
    }

    /// <summary>What a setting may be, as the end of a sentence on what it is; null where no attribute says.</summary>
    public static string? Allowed(SettingProperty setting)
    {
        var told = setting.Property.GetCustomAttributes<ValidationAttribute>().Select(Allowed).FirstOrDefault(text => text is not null);
        return told is not null ? told
            : setting.Type == typeof(bool) ? "it is true or false"
            : setting.Type.IsEnum ? $"it is one of {string.Join(", ", Enum.GetNames(setting.Type))}" : null;
    }

    private static string Fault(ValidationAttribute rule, string at, object? value) => rule switch
    {
        RequiredAttribute { ErrorMessage: null } => $"{at} is not set.",
        RequiredAttribute => rule.FormatErrorMessage(at),
        _ when Allowed(rule) is { } allowed => $"{at} is {Shown(value)}; {allowed}.",
        _ => $"{rule.FormatErrorMessage(at)} It is {Shown(value)}.",
    };

    private static string? Allowed(ValidationAttribute rule) => rule switch
    {
        RangeAttribute range => $"it goes from {Shown(range.Minimum)} to {Shown(range.Maximum)}",
        AllowedValuesAttribute values => $"it is one of {string.Join(", ", values.Values)}",
        EnumDataTypeAttribute of => $"it is one of {string.Join(", ", Enum.GetNames(of.EnumType))}",
        _ => null,
    };

    private static string Shown(object? value) => value switch
    {
        null => "nothing",
        string text => $"'{text}'",
        int or long => string.Format(CultureInfo.InvariantCulture, "{0:N0}", value),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
