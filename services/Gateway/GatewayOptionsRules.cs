using Microsoft.Extensions.Options;
using Parley.Gateway.Access;
using Parley.Gateway.Balancing;

namespace Parley.Gateway;

/// <summary>Rules over the options that an attribute cannot say.</summary>
internal sealed class GatewayOptionsRules : IValidateOptions<GatewayOptions>
{
    public ValidateOptionsResult Validate(string? name, GatewayOptions options)
    {
        var faults = new List<string>();
        CheckAddress(nameof(options.TokenizerAddress), options.TokenizerAddress, faults);
        if (ReplicaAddresses.Read(options.GeneratorAddress) is null)
            faults.Add($"Gateway:GeneratorAddress {ReplicaAddresses.Form} (it is '{options.GeneratorAddress}').");
        if (options.ChoicesMax > options.ConcurrentChoicesMax)
            faults.Add(
                $"Gateway:ChoicesMax ({options.ChoicesMax}) must not exceed "
                + $"Gateway:ConcurrentChoicesMax ({options.ConcurrentChoicesMax}).");
        KeyRingReader.Read(options, faults);
        CheckOidc(options.Oidc, faults);
        CheckStore(options.ResponseStore, faults);
        faults.AddRange(options.CorsOrigins.Select(Cors.Fault).OfType<string>());
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void CheckOidc(OidcOptions oidc, List<string> faults)
    {
        if (oidc.Authority.Length == 0)
            return;
        var isAddress = Uri.TryCreate(oidc.Authority, UriKind.Absolute, out var authority)
            && (authority.Scheme == Uri.UriSchemeHttps || (oidc.AllowHttp && authority.Scheme == Uri.UriSchemeHttp));
        if (!isAddress)
            faults.Add($"Gateway:Oidc:Authority must be an absolute https address (it is '{oidc.Authority}').");
        if (oidc.Audience.Length == 0)
            faults.Add("Gateway:Oidc:Audience is not set; without it tokens for others would be taken.");
        if (oidc.NameClaim.Length == 0)
            faults.Add("Gateway:Oidc:NameClaim is empty; without it callers cannot be told apart.");
        // Both are told in headers.
        foreach (var (name, value) in ((string, string)[])[("RequiredScope", oidc.RequiredScope), ("NameClaim", oidc.NameClaim)])
        {
            if (value.Any(letter => letter is <= ' ' or > '~' or '"' or '\\'))
                faults.Add($"Gateway:Oidc:{name} is '{value}'; it is one word of printable ASCII without quotes.");
        }
    }

    /// <summary>Its text may hold a password, so it is not repeated.</summary>
    private static void CheckStore(ResponseStoreOptions store, List<string> faults)
    {
        if (store.Redis.Length == 0)
            return;
        try
        {
            if (StackExchange.Redis.ConfigurationOptions.Parse(store.Redis).EndPoints.Count == 0)
                faults.Add("Gateway:ResponseStore:Redis names no address, e.g. redis:6379.");
        }
        catch (ArgumentException)
        {
            faults.Add("Gateway:ResponseStore:Redis is not what StackExchange.Redis takes, e.g. redis:6379,ssl=true.");
        }
    }

    private static void CheckAddress(string field, string value, List<string> faults)
    {
        if (!Uri.TryCreate(value, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            faults.Add($"Gateway:{field} must be an absolute http or https address, e.g. http://127.0.0.1:5082 (it is '{value}').");
    }
}
