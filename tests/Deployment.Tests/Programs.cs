using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Parley.Gateway;
using Parley.Generator;
using Parley.ServiceDefaults;
using Parley.TestSupport;
using Parley.Tokenizer;

namespace Parley.Deployment.Tests;

/// <summary>What the programs are: their ports, their settings, their version. Deployments are held against it.</summary>
internal static partial class Programs
{
    private static readonly Dictionary<string, Assembly> Assemblies = new()
    {
        ["gateway"] = typeof(GatewayRegistration).Assembly,
        ["tokenizer"] = typeof(TokenizerRegistration).Assembly,
        ["generator"] = typeof(GeneratorRegistration).Assembly,
    };

    /// <summary>Standard variables of OpenTelemetry, .NET and the Hub that deployments may set.</summary>
    private static readonly string[] Standard =
        ["OTEL_EXPORTER_OTLP_ENDPOINT", "ORT_DISABLE_TELEMETRY", "HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE", "XDG_CACHE_HOME", "PARLEY_MODEL"];

    /// <summary>The services by the last part of their images' names.</summary>
    public static IReadOnlyCollection<string> Services => Assemblies.Keys;

    public static string Version { get; } =
        XDocument.Load(Path.Combine(Shared.RepositoryRoot, "Directory.Build.props")).Descendants("Version").Single().Value;

    /// <summary>The service that an image or container runs: generator-cuda is the Generator.</summary>
    public static string? ServiceOf(string image)
    {
        var name = image.Split('/')[^1].Split(':')[0].Split('-')[0];
        return Assemblies.ContainsKey(name) ? name : null;
    }

    /// <summary>The service's endpoints, as its Program names them.</summary>
    public static IReadOnlyDictionary<string, int> Endpoints(string service)
    {
        var folder = char.ToUpperInvariant(service[0]) + service[1..];
        var program = File.ReadAllText(Path.Combine(Shared.RepositoryRoot, "services", folder, "Program.cs"));
        return EndpointLiteral().Matches(program).ToDictionary(match => match.Groups[1].Value, match => int.Parse(match.Groups[2].Value));
    }

    /// <summary>Why a variable sets nothing of a service; null where it binds to a setting that exists.</summary>
    public static string? VariableFault(string service, string variable, string value)
    {
        if (Standard.Contains(variable))
            return null;
        var parts = variable.Split("__");
        return parts switch
        {
            ["Kestrel", "Endpoints", var name, "Url"] => UrlFault(service, name, value),
            ["Parley", "ShutdownSeconds"] => int.TryParse(value, out var seconds) && seconds is > 0 and <= 3600 ? null : $"{value} s",
            ["Telemetry", var name] => TelemetryNames.SettingFault(name, value),
            [var section, .. var path] when section.Equals(service, StringComparison.OrdinalIgnoreCase) =>
                PropertyFault(OptionsType(service), path, value),
            _ => $"{variable} is no setting of the {service}",
        };
    }

    /// <summary>The defaults of a service's options.</summary>
    public static object Defaults(string service) => Activator.CreateInstance(OptionsType(service))!;

    /// <summary>A type that all services share, by its name; null where there is none.</summary>
    public static Type? FindShared(string name) => typeof(ServiceHost).Assembly.GetTypes().SingleOrDefault(type => type.Name == name);

    private static Type OptionsType(string service) => Assemblies[service].GetTypes()
        .Single(type => type.Name.Equals($"{service}Options", StringComparison.OrdinalIgnoreCase));

    private static string? UrlFault(string service, string name, string value) =>
        !Endpoints(service).TryGetValue(name, out var port) ? $"the {service} has no endpoint {name}"
        : value == $"http://*:{port}" ? null
        : $"{value} is not what the {service}'s {name} is documented to listen on (http://*:{port})";

    /// <summary>Whether a path of names leads to a property that takes the value.</summary>
    internal static string? PropertyFault(Type type, ReadOnlySpan<string> path, string value)
    {
        var property = type.GetProperty(path[0]);
        if (property is null)
            return $"{type.Name} has no {path[0]}";
        if (path.Length > 1)
            return PropertyFault(property.PropertyType, path[1..], value);
        try
        {
            System.ComponentModel.TypeDescriptor.GetConverter(property.PropertyType).ConvertFromInvariantString(value);
            return null;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or NotSupportedException)
        {
            return $"{type.Name}.{path[0]} does not take '{value}'";
        }
    }

    [GeneratedRegex("""\("(\w+)", (\d{4}), HttpProtocols\.""")]
    private static partial Regex EndpointLiteral();
}
