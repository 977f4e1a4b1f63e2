using Microsoft.Extensions.Options;
using Parley.Gateway.Access;

namespace Parley.Gateway;

/// <summary>Rules over the options that an attribute cannot say.</summary>
internal sealed class GatewayOptionsRules : IValidateOptions<GatewayOptions>
{
    public ValidateOptionsResult Validate(string? name, GatewayOptions options)
    {
        var faults = new List<string>();
        CheckAddress(nameof(options.TokenizerAddress), options.TokenizerAddress, faults);
        CheckAddress(nameof(options.GeneratorAddress), options.GeneratorAddress, faults);
        if (options.ChoicesMax > options.ConcurrentChoicesMax)
            faults.Add(
                $"Gateway:ChoicesMax ({options.ChoicesMax}) must not exceed "
                + $"Gateway:ConcurrentChoicesMax ({options.ConcurrentChoicesMax}).");
        ApiKeys.Read(options, faults);
        faults.AddRange(options.CorsOrigins.Select(Cors.Fault).OfType<string>());
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void CheckAddress(string field, string value, List<string> faults)
    {
        if (!Uri.TryCreate(value, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            faults.Add($"Gateway:{field} must be an absolute http or https address, e.g. http://127.0.0.1:5082 (it is '{value}').");
    }
}
