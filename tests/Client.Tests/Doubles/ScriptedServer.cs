using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Parley.Client.Calls;
using Parley.Gateway.V1;

namespace Parley.Client.Tests.Doubles;

/// <summary>A scripted Gateway in memory, and clients of it.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly List<IDisposable> _clients = [];

    private ScriptedServer(WebApplication app, ScriptedGateway gateway) => (_app, Gateway) = (app, gateway);

    public ScriptedGateway Gateway { get; }

    public static async Task<ScriptedServer> StartAsync(params Func<CompleteRequest, IEnumerable<CompleteResponse>>[] scripts)
    {
        var gateway = new ScriptedGateway();
        gateway.Scripts.AddRange(scripts);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseTestServer();
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc(options => options.MaxReceiveMessageSize = 64 * 1024);
        builder.Services.AddSingleton(gateway);
        var app = builder.Build();
        app.MapGrpcService<ScriptedGateway>();
        await app.StartAsync();
        return new ScriptedServer(app, gateway);
    }

    public HttpMessageHandler Handler() => _app.GetTestServer().CreateHandler();

    /// <summary>A client with the settings of a program, whose pauses take no time.</summary>
    public ParleyChatClient Client(Action<ParleyClientOptions>? configure = null, ILoggerFactory? loggers = null)
    {
        var options = new ParleyClientOptions
        {
            Address = "http://scripted",
            CreateHandler = Handler,
            Retry = new ParleyRetryOptions { InitialDelay = TimeSpan.Zero },
        };
        configure?.Invoke(options);
        return Keep(new ParleyChatClient(options, loggers));
    }

    /// <summary>A client whose clock and chance are the test's.</summary>
    public ParleyChatClient Client(ParleyClientOptions options, TimeProvider time, double chance)
    {
        var channel = GrpcChannel.ForAddress("http://scripted", new GrpcChannelOptions { HttpHandler = Handler() });
        var schedule = new RetrySchedule(options.Retry, () => chance);
        return Keep(new ParleyChatClient(options, channel, null, null, time, schedule));
    }

    public CallInvoker Invoker() =>
        Keep(GrpcChannel.ForAddress("http://scripted", new GrpcChannelOptions { HttpHandler = Handler() })).CreateCallInvoker();

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private T Keep<T>(T client)
        where T : IDisposable
    {
        _clients.Add(client);
        return client;
    }
}
