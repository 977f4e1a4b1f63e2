using System.Security.Claims;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Parley.Gateway.Access;

/// <summary>
/// Checks bearer tokens of the OpenID Connect provider of the settings: signature by its published keys, issuer, audience, time, scope. The
/// handler is used without ASP.NET's authentication around it, which would look at every request, health and page too.
/// </summary>
internal sealed class OidcTokens
{
    private const int TokenBytesMax = 16 * 1024;
    private const int NameCharactersMax = 64;

    /// <summary>Only pairs of keys: a secret that both sides know is none of a provider's.</summary>
    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512, SecurityAlgorithms.RsaSsaPssSha256,
        SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512, SecurityAlgorithms.EcdsaSha256,
        SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    private readonly GatewayOptions _gateway;
    private readonly OidcOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<OidcTokens> _logger;
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false, MaximumTokenSizeInBytes = TokenBytesMax };
    private readonly ConfigurationManager<OpenIdConnectConfiguration>? _provider;

    public OidcTokens(IOptions<GatewayOptions> options, IDocumentRetriever documents, TimeProvider time, ILogger<OidcTokens> logger)
    {
        (_gateway, _options, _time, _logger) = (options.Value, options.Value.Oidc, time, logger);
        if (_options.Authority.Length == 0)
            return;
        _provider = new ConfigurationManager<OpenIdConnectConfiguration>(
            $"{_options.Authority.TrimEnd('/')}/.well-known/openid-configuration", new OpenIdConnectConfigurationRetriever(), documents);
    }

    /// <summary>Fetches what a provider publishes; it is asked over TLS unless the settings let it be otherwise.</summary>
    public static IDocumentRetriever Documents(IOptions<GatewayOptions> options) => new HttpDocumentRetriever(
        new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
        {
            Timeout = TimeSpan.FromSeconds(options.Value.Oidc.FetchSecondsMax),
            MaxResponseContentBufferSize = 1024 * 1024,
        })
    {
        RequireHttps = !options.Value.Oidc.AllowHttp,
    };

    /// <summary>Whether a credential is to be read as a token: a provider is set, and it has a token's three parts.</summary>
    public bool Takes(string credential) => _provider is not null && credential.Count(letter => letter == '.') == 2;

    /// <summary>Who has a token, and the limits that its claim names; or why it is not taken.</summary>
    public async Task<(string Name, LimitOptions Limits, AccessRefusal? Refusal)> ReadAsync(
        string token, KeyRing ring, CancellationToken cancellationToken)
    {
        TokenValidationResult result;
        try
        {
            var published = await _provider!.GetConfigurationAsync(cancellationToken);
            result = await _handler.ValidateTokenAsync(token, Rules(published));
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && exception is not OutOfMemoryException)
        {
            // The manager wraps whatever happened on the way to the provider.
            Log.ProviderAway(_logger, _options.Authority, exception);
            return Refuse(AccessRefusal.ProviderAway(TimeSpan.FromSeconds(_gateway.RetryAfterSeconds)));
        }

        if (!result.IsValid)
        {
            // A key that is not among those known may be a new one: the next request sees what the provider publishes then.
            if (result.Exception is SecurityTokenSignatureKeyNotFoundException)
                _provider.RequestRefresh();
            return Refuse(AccessRefusal.Unauthenticated(MessageOf(result.Exception), "error=\"invalid_token\""));
        }

        var claims = result.ClaimsIdentity;
        if (_options.RequiredScope.Length > 0 && !HasScope(claims))
            return Refuse(AccessRefusal.WithoutScope(_options.RequiredScope));
        if (claims.FindFirst(_options.NameClaim)?.Value is not { Length: > 0 } name)
        {
            return Refuse(AccessRefusal.Unauthenticated(
                $"The token names no caller: it has no claim '{_options.NameClaim}'.", "error=\"invalid_token\""));
        }

        return ($"oidc:{Shown(name)}", LimitsOf(claims, ring), null);

        static (string, LimitOptions, AccessRefusal?) Refuse(AccessRefusal refusal) => ("", new LimitOptions(), refusal);
    }

    private TokenValidationParameters Rules(OpenIdConnectConfiguration published) => new()
    {
        ValidIssuer = published.Issuer,
        ValidAudience = _options.Audience,
        IssuerSigningKeys = published.SigningKeys,
        ValidAlgorithms = Algorithms,
        RequireSignedTokens = true,
        LifetimeValidator = IsOfNow,
        LogValidationExceptions = false,
    };

    private bool IsOfNow(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters rules)
    {
        var (now, skew) = (_time.GetUtcNow().UtcDateTime, TimeSpan.FromSeconds(_options.ClockSkewSeconds));
        return expires is { } end && now - skew < end && (notBefore is not { } start || start <= now + skew);
    }

    private bool HasScope(ClaimsIdentity claims) =>
        claims.FindAll(claim => claim.Type is "scope" or "scp")
            .SelectMany(claim => claim.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Contains(_options.RequiredScope, StringComparer.Ordinal);

    private LimitOptions LimitsOf(ClaimsIdentity claims, KeyRing ring) =>
        (_options.LimitsClaim.Length == 0 ? null : claims.FindAll(_options.LimitsClaim).Select(claim => ring.LimitsOf(claim.Value))
            .FirstOrDefault(limits => limits is not null)) ?? ring.Default;

    /// <summary>A subject as a name in logs and metrics.</summary>
    private static string Shown(string name) => string.Concat(
        name.Take(NameCharactersMax).Select(letter => letter is > ' ' and <= '~' ? letter : '_'));

    /// <summary>What a caller may know; the handler's own messages hold parts of the token.</summary>
    private static string MessageOf(Exception? exception) => exception switch
    {
        SecurityTokenInvalidLifetimeException or SecurityTokenExpiredException or SecurityTokenNotYetValidException =>
            "The token has expired, or does not count yet.",
        SecurityTokenInvalidAudienceException => "The token is meant for another audience.",
        SecurityTokenInvalidIssuerException => "The token is of another issuer.",
        SecurityTokenInvalidSignatureException or SecurityTokenSignatureKeyNotFoundException or SecurityTokenInvalidAlgorithmException =>
            "The token's signature is none of this server's provider.",
        _ => "The token in the Authorization header cannot be read.",
    };
}
