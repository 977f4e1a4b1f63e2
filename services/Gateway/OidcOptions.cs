using System.ComponentModel.DataAnnotations;

namespace Parley.Gateway;

/// <summary>Which bearer tokens of an OpenID Connect provider are taken.</summary>
public sealed class OidcOptions
{
    /// <value>Address of the provider, with its discovery document below it. Default none: tokens are not taken.</value>
    public string Authority { get; set; } = "";

    /// <value>What a token must be meant for (<c>aud</c>). No default.</value>
    public string Audience { get; set; } = "";

    /// <value>Scope that a token must have, in <c>scope</c> or <c>scp</c>. Default none.</value>
    public string RequiredScope { get; set; } = "";

    /// <value>Claim that names the caller, for limits and metrics. Default <c>sub</c>.</value>
    public string NameClaim { get; set; } = "sub";

    /// <value>Claim whose value, the first that is one, names a set of <see cref="GatewayOptions.Limits"/>. Default none.</value>
    public string LimitsClaim { get; set; } = "";

    /// <value>Whether the provider may be asked without TLS. Default false; for a provider on this machine.</value>
    public bool AllowHttp { get; set; }

    /// <value>How far clocks may differ, in seconds. Default 60, range 0 to 600.</value>
    [Range(0, 600)]
    public int ClockSkewSeconds { get; set; } = 60;

    /// <value>How long the provider may take to give its keys, in seconds. Default 10, range 1 to 120.</value>
    [Range(1, 120)]
    public int FetchSecondsMax { get; set; } = 10;
}
