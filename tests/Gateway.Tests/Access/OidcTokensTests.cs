using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Tokens;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;

namespace Parley.Gateway.Tests.Access;

/// <summary>Tokens of a provider that is an object in memory.</summary>
public sealed class OidcTokensTests : IDisposable
{
    private const string Issuer = "https://login.example.com/realm";

    // Deadlines of calls go by the real clock, so this one stands near it.
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds()));
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly RSA _foreign = RSA.Create(2048);
    private readonly Provider _provider = new();

    public void Dispose()
    {
        _rsa.Dispose();
        _foreign.Dispose();
    }

    private Task<GatewayHost> StartAsync(params (string Key, string Value)[] settings)
    {
        var published = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(_rsa.ExportParameters(false)) { KeyId = "one" });
        _provider.Documents[$"{Issuer}/.well-known/openid-configuration"] =
            JsonSerializer.Serialize(new Dictionary<string, string> { ["issuer"] = Issuer, ["jwks_uri"] = $"{Issuer}/keys" });
        _provider.Documents[$"{Issuer}/keys"] = JsonSerializer.Serialize(
            new { keys = new[] { new { kty = "RSA", use = "sig", kid = "one", n = published.N, e = published.E } } });
        var all = new Dictionary<string, string?>
        {
            ["Oidc:Authority"] = Issuer,
            ["Oidc:Audience"] = "parley",
            ["Oidc:RequiredScope"] = "chat",
            ["Oidc:LimitsClaim"] = "groups",
            ["Limits:staff:RequestsPerMinute"] = "100",
            ["Limits:default:RequestsPerMinute"] = "3",
        };
        foreach (var (key, value) in settings)
            all[key] = value;
        return GatewayHost.StartAsync(all, _time, services: services => services.AddSingleton<IDocumentRetriever>(_provider));
    }

    private string Token(Action<SecurityTokenDescriptor>? change = null)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        var descriptor = new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = "parley",
            IssuedAt = now,
            NotBefore = now,
            Expires = now.AddMinutes(10),
            Claims = new Dictionary<string, object> { ["sub"] = "ann", ["scope"] = "openid chat" },
            SigningCredentials = new SigningCredentials(new RsaSecurityKey(_rsa) { KeyId = "one" }, SecurityAlgorithms.RsaSha256),
        };
        change?.Invoke(descriptor);
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(descriptor);
    }

    private static async Task<HttpResponseMessage> AskAsync(GatewayHost host, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        return await host.Http().SendAsync(request);
    }

    private static async Task<string> MessageOf(HttpResponseMessage response)
    {
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("error").GetProperty("message").GetString()!;
    }

    [Fact]
    public async Task Token_OfTheProvider_IsTakenOverHttpAndGrpcBesideKeys()
    {
        await using var host = await StartAsync(("ApiKey", "key-a"));

        using var byToken = await AskAsync(host, Token());
        using var byKey = await AskAsync(host, "key-a");
        var chat = new Tokenizer.V1.Chat { Messages = { new Tokenizer.V1.ChatMessage { Role = "user", Content = "Hi" } } };
        using var call = host.Client().Complete(
            new CompleteRequest { Chat = chat }, new Metadata { { "authorization", $"Bearer {Token()}" } });

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (byToken.StatusCode, byKey.StatusCode));
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
    }

    public static TheoryData<string, string> WrongTokens => new()
    {
        { "expired", "expired" }, { "early", "does not count yet" }, { "endless", "expired" }, { "audience", "another audience" },
        { "issuer", "another issuer" }, { "foreign", "signature" }, { "none", "signature" }, { "shared", "signature" },
        { "cut", "" }, { "nameless", "no claim 'sub'" }, { "long", "" },
    };

    [Theory]
    [MemberData(nameof(WrongTokens))]
    public async Task Token_ThatIsWrong_Is401AndSaysWhyWithoutShowingIt(string what, string told)
    {
        await using var host = await StartAsync();
        var now = _time.GetUtcNow().UtcDateTime;
        var token = what switch
        {
            "expired" => Token(one => (one.NotBefore, one.Expires) = (now.AddHours(-2), now.AddSeconds(-61))),
            "early" => Token(one => one.NotBefore = now.AddSeconds(61)),
            "endless" => Token(one => one.Expires = null),
            "audience" => Token(one => one.Audience = "others"),
            "issuer" => Token(one => one.Issuer = "https://elsewhere"),
            "foreign" => Token(one => one.SigningCredentials = new SigningCredentials(
                new RsaSecurityKey(_foreign) { KeyId = "one" }, SecurityAlgorithms.RsaSha256)),
            "none" => Token(one => one.SigningCredentials = null),
            "shared" => Token(one => one.SigningCredentials = new SigningCredentials(
                new SymmetricSecurityKey(_rsa.ExportSubjectPublicKeyInfo()) { KeyId = "one" }, SecurityAlgorithms.HmacSha256)),
            "cut" => Token()[..^20] + ".",
            "nameless" => Token(one => one.Claims.Remove("sub")),
            _ => Token(one => one.Claims["much"] = new string('x', 20_000)),
        };

        using var response = await AskAsync(host, token);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal("Bearer", response.Headers.WwwAuthenticate.Single().Scheme);
        Assert.Contains(told, await MessageOf(response), StringComparison.Ordinal);
        Assert.DoesNotContain(host.Logs.Entries, line => line.Contains(token[..20], StringComparison.Ordinal));
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Token_WithinTheClocksSkew_IsTaken()
    {
        await using var host = await StartAsync();
        var now = _time.GetUtcNow().UtcDateTime;

        using var late = await AskAsync(host, Token(one => (one.NotBefore, one.Expires) = (now.AddHours(-1), now.AddSeconds(-59))));
        using var early = await AskAsync(host, Token(one => one.NotBefore = now.AddSeconds(59)));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (late.StatusCode, early.StatusCode));
    }

    [Fact]
    public async Task Token_WithoutTheScope_Is403AndNamesIt()
    {
        await using var host = await StartAsync();

        using var response = await AskAsync(host, Token(one => one.Claims["scope"] = "openid chats"));

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal("error=\"insufficient_scope\", scope=\"chat\"", response.Headers.WwwAuthenticate.Single().Parameter);
        Assert.Equal("The token has not the scope 'chat'.", await MessageOf(response));
    }

    [Theory]
    [InlineData("""["visitors","staff"]""", "100")]
    [InlineData("\"staff\"", "100")]
    [InlineData("\"visitors\"", "3")]
    [InlineData(null, "3")]
    public async Task Limits_OfTheClaim_AreTheFirstThatThereAre(string? groups, string perMinute)
    {
        await using var host = await StartAsync();
        var token = Token(one =>
        {
            if (groups is not null)
                one.Claims["groups"] = JsonSerializer.Deserialize<JsonElement>(groups);
        });

        using var response = await AskAsync(host, token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(perMinute, response.Headers.GetValues("x-ratelimit-limit-requests").Single());
    }

    [Fact]
    public async Task Provider_ThatIsAway_Is503AndKeysStillCount()
    {
        await using var host = await StartAsync(("ApiKey", "key-a"));
        _provider.IsAway = true;

        using var byToken = await AskAsync(host, Token());
        using var byKey = await AskAsync(host, "key-a");
        _provider.IsAway = false;
        using var later = await AskAsync(host, Token());

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK, HttpStatusCode.OK),
            (byToken.StatusCode, byKey.StatusCode, later.StatusCode));
        Assert.Equal(TimeSpan.FromSeconds(1), byToken.Headers.RetryAfter!.Delta);
        host.Logs.AssertNoErrors();
    }

    [Theory]
    [InlineData("Oidc:Authority", "http://login.example.com", "must be an absolute https address")]
    [InlineData("Oidc:Authority", "login", "must be an absolute https address")]
    [InlineData("Oidc:Audience", "", "Gateway:Oidc:Audience is not set")]
    [InlineData("Oidc:NameClaim", "", "Gateway:Oidc:NameClaim is empty")]
    [InlineData("Oidc:NameClaim", "n\u00E4me", "Gateway:Oidc:NameClaim is 'n\u00E4me'; it is one word of printable ASCII")]
    [InlineData("Oidc:RequiredScope", "a\"b", "Gateway:Oidc:RequiredScope is 'a\"b'; it is one word of printable ASCII")]
    public async Task Start_AWrongSetting_FailsNamingIt(string key, string value, string named)
    {
        var fault = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync((key, value)));

        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    private sealed class Provider : IDocumentRetriever
    {
        public Dictionary<string, string> Documents { get; } = [];

        public bool IsAway { get; set; }

        public Task<string> GetDocumentAsync(string address, CancellationToken cancel) => IsAway
            ? Task.FromException<string>(new IOException($"{address}: no route"))
            : Task.FromResult(Documents[address]);
    }
}
