using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Parley.ServiceDefaults;
using Parley.TestSupport;
using Parley.Tokenizer.V1;

namespace Parley.Tokenizer.Tests.Doubles;

/// <summary>The whole service in memory, without a port.</summary>
internal sealed class TokenizerHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly LogGuard _logs;
    private readonly GrpcChannel _channel;

    private TokenizerHost(WebApplication app, LogGuard logs)
    {
        _app = app;
        _logs = logs;
        _channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = app.GetTestServer().CreateHandler() });
        Client = new Tokenization.TokenizationClient(_channel);
    }

    public Tokenization.TokenizationClient Client { get; }

    public IServiceProvider Services => _app.Services;

    public GrpcChannel Channel => _channel;

    public static async Task<TokenizerHost> StartAsync(string directory, params (string Key, string Value)[] settings)
    {
        var logs = new LogGuard();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseTestServer();
        builder.Services.AddRouting();
        builder.Configuration.AddInMemoryCollection(settings.Append(("PackageDirectory", directory))
            .Select(pair => KeyValuePair.Create("Tokenizer:" + pair.Item1, (string?)pair.Item2)));
        builder.Logging.AddProvider(logs);
        builder.Services.AddSingleton<TimeProvider>(new FakeTimeProvider(new DateTimeOffset(2024, 7, 26, 12, 0, 0, TimeSpan.Zero)));
        builder.AddServiceDefaults("parley-tokenizer");
        builder.AddTokenizer();
        var app = builder.Build();
        app.UseRouting();
        app.MapServiceDefaults();
        app.MapTokenizer();
        await app.StartAsync();
        return new TokenizerHost(app, logs);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _app.DisposeAsync();
        _logs.AssertNoErrors();
    }
}
