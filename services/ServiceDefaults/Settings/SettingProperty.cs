using System.Collections;
using System.ComponentModel;
using System.Reflection;

namespace Parley.ServiceDefaults.Settings;

/// <summary>A property of an options class, seen as a setting.</summary>
/// <param name="Property">The property.</param>
internal readonly record struct SettingProperty(PropertyInfo Property)
{
    public string Name => Property.Name;

    /// <summary>Its type without the question mark.</summary>
    public Type Type => Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;

    /// <summary>Whether it is one text: a number, a truth, a name, a text.</summary>
    public bool IsScalar => TypeDescriptor.GetConverter(Type).CanConvertFrom(typeof(string));

    /// <summary>Whether it is several values: what lies below it are they, by number or by name.</summary>
    public bool IsList => !IsScalar && typeof(IEnumerable).IsAssignableFrom(Type);

    /// <summary>Options below it under names that the settings choose (<c>Section:Name:Setting</c>); null where there are none.</summary>
    public Type? NamedOptions => Type.IsGenericType && Type.GetGenericTypeDefinition() == typeof(IDictionary<,>)
        && Type.GetGenericArguments() is [var key, var value] && key == typeof(string)
        && !TypeDescriptor.GetConverter(value).CanConvertFrom(typeof(string)) ? value : null;

    /// <summary>Whether it is options of their own.</summary>
    public bool IsSection => !IsScalar && !IsList;

    /// <summary>The settings of an options class.</summary>
    public static IEnumerable<SettingProperty> Of(Type options) =>
        options.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.GetIndexParameters().Length == 0)
            .Select(property => new SettingProperty(property));
}
