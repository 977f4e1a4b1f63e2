using System.Net;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Parley.Gateway.Upstream;
using Parley.ServiceDefaults;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Doubles;

/// <summary>
/// The whole Gateway over two fake services, in memory; a test may leave a service out. Where the wire itself is the point, the Gateway has
/// sockets on loopback.
/// </summary>
internal sealed class GatewayHost : IAsyncDisposable
{
    private readonly List<WebApplication> _upstream;
    private readonly WebApplication _gateway;
    private readonly List<IDisposable> _clients = [];

    private GatewayHost(List<WebApplication> upstream, WebApplication gateway)
    {
        _upstream = upstream;
        _gateway = gateway;
    }

    public FakeTokenizer Tokenizer { get; private init; } = new();

    /// <summary>The first of the Generators, mostly the only one.</summary>
    public FakeGenerator Generator => Generators[0];

    /// <summary>All of them: <c>generator</c>, <c>generator-1</c>, …</summary>
    public IReadOnlyList<FakeGenerator> Generators { get; private init; } = [];

    public LogGuard Logs { get; private init; } = new();

    /// <summary>Services that are not there, by host name: <c>tokenizer</c>, <c>generator</c>.</summary>
    public HashSet<string> Missing { get; private init; } = [];

    public IServiceProvider Services => _gateway.Services;

    /// <summary>Where it speaks HTTP/1.1 on a socket.</summary>
    public Uri Http1 => new(_gateway.Urls.First());

    /// <summary>Where it speaks HTTP/2 on a socket.</summary>
    public Uri Http2 => new(_gateway.Urls.Last());

    public static async Task<GatewayHost> StartAsync(
        Dictionary<string, string?>? settings = null, TimeProvider? time = null, Action<GatewayHost>? arrange = null,
        bool onSockets = false, Action<IServiceCollection>? services = null, int generators = 1)
    {
        var tokenizer = new FakeTokenizer();
        var fakes = Enumerable.Range(0, generators).Select(_ => new FakeGenerator()).ToList();
        var logs = new LogGuard();
        var missing = new HashSet<string>();
        var upstream = fakes.ConvertAll(fake => BuildUpstream(tokenizer, fake));
        var names = Enumerable.Range(0, generators).Select(index => index == 0 ? "generator" : $"generator-{index}").ToList();
        foreach (var app in upstream)
            await app.StartAsync();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        if (onSockets)
            ListenOnLoopback(builder);
        else
            builder.WebHost.UseTestServer();
        builder.Services.AddRoutingCore();
        builder.Logging.AddProvider(logs);
        Set(builder, "TokenizerAddress", "http://tokenizer");
        Set(builder, "GeneratorAddress", string.Join(',', names.Select(name => $"http://{name}")));
        Set(builder, "DescribeCacheSeconds", "0");
        Set(builder, "ResumeWaitSeconds", "0");
        foreach (var (key, value) in settings ?? [])
            Set(builder, key, value);
        if (time is not null)
            builder.Services.AddSingleton(time);
        builder.AddServiceDefaults("parley-gateway");
        builder.Services.AddSingleton<UpstreamChannelFactory>(address => GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = new AbsentHandler(
                missing, upstream[Math.Max(0, names.IndexOf(address.Host))].GetTestServer().CreateHandler()),
        }));
        services?.Invoke(builder.Services);
        builder.AddGateway();
        var gateway = builder.Build();
        gateway.MapServiceDefaults();
        gateway.MapGateway();
        var host = new GatewayHost(upstream, gateway) { Tokenizer = tokenizer, Generators = fakes, Logs = logs, Missing = missing };
        arrange?.Invoke(host);
        await gateway.StartAsync();
        return host;
    }

    public HttpClient Http() => Keep(_gateway.GetTestClient());

    public HttpMessageHandler Handler() => Keep(_gateway.GetTestServer().CreateHandler());

    public GrpcChannel Channel() => Keep(GrpcChannel.ForAddress("http://gateway", new GrpcChannelOptions { HttpHandler = Handler() }));

    public V1.ChatCompletion.ChatCompletionClient Client() => new(Channel());

    /// <summary>Waits until the fakes have seen the end of every call.</summary>
    public async Task AssertIdleAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (Generators.Any(generator => generator.Running > 0) || Tokenizer.OpenStreams > 0)
            await Task.Delay(5, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            client.Dispose();
        await _gateway.StopAsync();
        await _gateway.DisposeAsync();
        foreach (var app in _upstream)
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }
    }

    private static void ListenOnLoopback(WebApplicationBuilder builder) => builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
    {
        kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
        kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
    });

    private static WebApplication BuildUpstream(FakeTokenizer tokenizer, FakeGenerator generator)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseTestServer();
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(tokenizer);
        builder.Services.AddSingleton(generator);
        var app = builder.Build();
        app.MapGrpcService<FakeTokenizer>();
        app.MapGrpcService<FakeGenerator>();
        app.MapGrpcService<FakeAdapters>();
        return app;
    }

    private static void Set(WebApplicationBuilder builder, string key, string? value) => builder.Configuration["Gateway:" + key] = value;

    private T Keep<T>(T client)
        where T : IDisposable
    {
        _clients.Add(client);
        return client;
    }
}
