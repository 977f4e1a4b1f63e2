using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Google.Rpc;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using Parley.Embedded.Hosting;
using Parley.Gateway.Access;
using Parley.Gateway.V1;
using Parley.ServiceDefaults;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests;

/// <summary>Keys and limits over real HTTP and gRPC, and TLS by settings alone.</summary>
[Collection(DemoCollection.Name)]
public sealed class AccessTests(DemoSystem demo) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-access-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Key_WithLimits_IsServedAndThenLimitedOverHttpAndGrpc()
    {
        var key = KeyHash.NewKey();
        var file = Path.Combine(_folder, "keys.json");
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(new
        {
            Keys = new { alice = new { Hash = KeyHash.Of(key), Limits = "once" }, bob = new { Hash = KeyHash.Of("key-b") } },
            Limits = new { once = new { RequestsPerMinute = 1, TokensPerMinute = 5000 } },
        }));
        var log = new LogGuard();
        var options = new LocalSystemOptions
        {
            PackageDirectory = demo.Package,
            LoggerProvider = log,
            LogLevelMin = LogLevel.Debug,
            Settings = new Dictionary<string, string?> { ["Gateway:ApiKeyFile"] = file },
        };
        await using var system = await LocalSystem.StartAsync(options, CancellationToken.None);
        using var http = new HttpClient { BaseAddress = system.Http };
        using var channel = GrpcClientDefaults.CreateChannel(system.Grpc);
        var chat = new ChatCompletion.ChatCompletionClient(channel);

        var (nobody, _) = await AskAsync(http, "key-c");
        var (first, rates) = await AskAsync(http, key);
        var (second, _) = await AskAsync(http, key);
        var limited = await CallAsync(chat, key);
        var served = await CallAsync(chat, "key-b");
        var (other, none) = await AskAsync(http, "key-b");

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK, HttpStatusCode.TooManyRequests), (nobody, first, second));
        Assert.Equal("1 0 5000", rates);
        Assert.Equal(StatusCode.ResourceExhausted, limited!.StatusCode);
        Assert.Equal("key:alice", Assert.Single(limited.GetRpcStatus()!.GetDetail<QuotaFailure>()!.Violations).Subject);
        Assert.NotNull(limited.GetRpcStatus()!.GetDetail<RetryInfo>());
        Assert.Equal((null, HttpStatusCode.OK, ""), (served, other, none));
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri("/health", UriKind.Relative))).StatusCode);
        Assert.DoesNotContain(log.Entries, line => line.Contains(key, StringComparison.Ordinal));
        log.AssertNoErrors();
    }

    /// <summary>A certificate in the settings makes an endpoint speak TLS, with HTTP/2 by agreement.</summary>
    [Fact]
    public async Task Tls_ByKestrelsSettings_CarriesHttp1Http2AndGrpc()
    {
        using var rsa = RSA.Create(2048);
        var request = new CertificateRequest("CN=parley", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var (crt, pem) = (Path.Combine(_folder, "tls.crt"), Path.Combine(_folder, "tls.key"));
        await File.WriteAllTextAsync(crt, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(pem, rsa.ExportPkcs8PrivateKeyPem());
        using var process = ServiceProcess.Start(
            "Gateway", _folder, new Dictionary<string, string>(),
            "--Kestrel:Endpoints:Http:Url=https://127.0.0.1:0", "--Kestrel:Endpoints:Http:Protocols=Http1AndHttp2",
            "--Kestrel:Endpoints:Grpc:Url=http://unix:" + Path.Combine(_folder, "grpc.sock"),
            $"--Kestrel:Certificates:Default:Path={crt}", $"--Kestrel:Certificates:Default:KeyPath={pem}",
            $"--Gateway:TokenizerAddress={demo.Http}", $"--Gateway:GeneratorAddress={demo.Http}");
        var address = await process.ListeningAsync();
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, shown, _, _) =>
                    shown is not null && shown.GetCertHashString() == certificate.GetCertHashString(),
            },
        };
        using var http = new HttpClient(handler, disposeHandler: false) { DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions { HttpClient = http });

        foreach (var version in (Version[])[HttpVersion.Version11, HttpVersion.Version20])
        {
            using var get = new HttpRequestMessage(HttpMethod.Get, new Uri(address, "/health/live"))
            {
                Version = version,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            using var live = await http.SendAsync(get);
            Assert.Equal((HttpStatusCode.OK, version), (live.StatusCode, live.Version));
        }

        var health = await new Health.HealthClient(channel).CheckAsync(new HealthCheckRequest { Service = "liveness" });
        Assert.Equal(("https", HealthCheckResponse.Types.ServingStatus.Serving), (address.Scheme, health.Status));
    }

    /// <summary>Asks over HTTP; the status, and the requests of a minute, what is left of them, and the tokens.</summary>
    private static async Task<(HttpStatusCode Status, string Rates)> AskAsync(HttpClient http, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Headers = { { "x-api-key", key } } };
        request.Content = JsonContent.Create(
            new { messages = new[] { new { role = "user", content = "hello" } }, max_tokens = 4, temperature = 0 });
        using var response = await http.SendAsync(request);
        string[] names = ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-limit-tokens"];
        return (response.StatusCode, string.Join(' ', names
            .Select(name => response.Headers.TryGetValues(name, out var values) ? values.Single() : "")).Trim());
    }

    private static async Task<RpcException?> CallAsync(ChatCompletion.ChatCompletionClient chat, string key)
    {
        using var call = chat.Complete(
            Conversations.Ask("hello", Conversations.Greedy(4)), new Metadata { { "authorization", $"Bearer {key}" } });
        try
        {
            await foreach (var _ in call.ResponseStream.ReadAllAsync())
            {
            }

            return null;
        }
        catch (RpcException exception)
        {
            return exception;
        }
    }
}
