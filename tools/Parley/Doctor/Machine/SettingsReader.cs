using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Parley.Gateway;
using Parley.Generator;
using Parley.ServiceDefaults.Settings;
using Parley.ServiceDefaults.Telemetry;
using Parley.Tokenizer;

namespace Parley.Cli.Doctor.Machine;

/// <summary>The services' settings as a configuration gives them, held to the same rules as at their start.</summary>
internal static class SettingsReader
{
    private const string NotGiven = "-";

    /// <summary>What must be given is given by whoever starts the services; here it need not be.</summary>
    private static readonly Dictionary<string, string?> Required = new()
    {
        ["Generator:PackageDirectory"] = NotGiven,
        ["Tokenizer:PackageDirectory"] = NotGiven,
        ["Gateway:TokenizerAddress"] = "http://127.0.0.1",
        ["Gateway:GeneratorAddress"] = "http://127.0.0.1",
    };

    /// <param name="addSources">Adds where settings come from.</param>
    public static (GeneratorOptions Options, IReadOnlyList<string> Faults) Read(Action<IConfigurationBuilder> addSources)
    {
        var builder = new ConfigurationBuilder().AddInMemoryCollection(Required);
        addSources(builder);
        var (configuration, faults) = (builder.Build(), new List<string>());
        // The rules between a service's own settings are its own; those that hold for each alone, and unknown names, are told here.
        var options = Read<GeneratorOptions>(configuration, GeneratorOptions.SectionName, faults);
        Read<TokenizerOptions>(configuration, TokenizerOptions.Section, faults);
        Read<GatewayOptions>(configuration, GatewayOptions.Section, faults);
        Read<TelemetryOptions>(configuration, TelemetryOptions.Section, faults);
        options ??= new GeneratorOptions();
        if (options.PackageDirectory == NotGiven)
            options.PackageDirectory = "";
        return (options, faults);
    }

    private static T? Read<T>(IConfiguration configuration, string section, List<string> faults)
        where T : class
    {
        var services = new ServiceCollection().AddSingleton(configuration);
        services.AddSettings<T>(section);
        using var provider = services.BuildServiceProvider();
        try
        {
            return provider.GetRequiredService<IOptions<T>>().Value;
        }
        catch (OptionsValidationException exception)
        {
            faults.AddRange(exception.Failures);
            return null;
        }
    }
}
