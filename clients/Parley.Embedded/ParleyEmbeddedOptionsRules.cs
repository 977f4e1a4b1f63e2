using Microsoft.Extensions.Options;
using Parley.ModelImporter;

namespace Parley.Embedded;

/// <summary>Finds every fault of the settings that can be found without the model.</summary>
internal sealed class ParleyEmbeddedOptionsRules : IValidateOptions<ParleyEmbeddedOptions>
{
    private const int ContextMost = 1 << 24;
    private const int ThreadsMost = 1024;
    private const string ShutdownKey = "Parley:ShutdownSeconds";
    private static readonly TimeSpan TimeoutMost = TimeSpan.FromHours(24);
    private static readonly string[] Sections = ["Tokenizer", "Generator", "Gateway", "Telemetry"];

    /// <summary>What this client sets itself, or what has no sense where nobody else can call.</summary>
    private static readonly string[] Reserved =
    [
        "Tokenizer:PackageDirectory", "Generator:PackageDirectory", "Generator:Threads", "Gateway:TokenizerAddress",
        "Gateway:GeneratorAddress", "Gateway:ApiKey", "Gateway:ApiKeyFile", "Gateway:Keys", "Gateway:Oidc", "Gateway:CorsOrigins",
        "Telemetry:MetricsPort", "Telemetry:MetricsHost",
    ];

    public ValidateOptionsResult Validate(string? name, ParleyEmbeddedOptions options)
    {
        var faults = Faults(options);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    /// <exception cref="OptionsValidationException">A setting is at fault; the message names all of them.</exception>
    public static void ThrowIfFaulty(ParleyEmbeddedOptions options)
    {
        var faults = Faults(options);
        if (faults.Count > 0)
            throw new OptionsValidationException(Options.DefaultName, typeof(ParleyEmbeddedOptions), faults);
    }

    private static List<string> Faults(ParleyEmbeddedOptions options)
    {
        var faults = new List<string>();
        if (string.IsNullOrWhiteSpace(options.Model))
            faults.Add("Model: is missing; give a name on the Hugging Face Hub (org/model), or a path.");
        if (options.Precision is { } precision && !ModelImport.Precisions.Contains(precision, StringComparer.Ordinal))
            faults.Add($"Precision: must be one of {string.Join(", ", ModelImport.Precisions)} (it is '{precision}').");
        if (options.ContextTokens is < 0 or > ContextMost)
            faults.Add($"ContextTokens: must be between 0 and {ContextMost} (it is {options.ContextTokens}).");
        if (options.Threads is < 0 or > ThreadsMost)
            faults.Add($"Threads: must be between 0 and {ThreadsMost} (it is {options.Threads}).");
        if (options.CacheFolder is { } folder && string.IsNullOrWhiteSpace(folder))
            faults.Add("CacheFolder: is empty; the usual one is null.");
        if (options.Timeout != Timeout.InfiniteTimeSpan && (options.Timeout <= TimeSpan.Zero || options.Timeout > TimeoutMost))
            faults.Add($"Timeout: must be above 0 and at most 24 hours, or infinite (it is {options.Timeout}).");
        if (!Enum.IsDefined(options.UnknownProperties))
            faults.Add($"UnknownProperties: must be Ignore or Refuse (it is {options.UnknownProperties}).");
        faults.AddRange(options.Settings.Keys.Select(FaultOf).OfType<string>());
        return faults;
    }

    private static string? FaultOf(string key)
    {
        if (Reserved.Any(reserved => key.Equals(reserved, StringComparison.OrdinalIgnoreCase)
            || key.StartsWith(reserved + ":", StringComparison.OrdinalIgnoreCase)))
        {
            return $"Settings: {key} is set by the options, or means nothing where only this process can call.";
        }

        return key.Equals(ShutdownKey, StringComparison.OrdinalIgnoreCase)
            || Sections.Any(section => key.StartsWith(section + ":", StringComparison.OrdinalIgnoreCase))
            ? null : $"Settings: {key} is of none of the sections {string.Join(", ", Sections)}, and not {ShutdownKey}.";
    }
}
