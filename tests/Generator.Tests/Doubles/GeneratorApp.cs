using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Parley.Generator.Engine;
using Parley.Generator.Machine;
using Parley.Generator.Model;
using Parley.ServiceDefaults;
using Parley.TestSupport;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Doubles;

/// <summary>The whole service in memory, on a scripted model: registration, edge, engine thread and all.</summary>
internal sealed class GeneratorApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly GrpcChannel _channel;

    private GeneratorApp(WebApplication app, LogGuard log, ScriptedModelRunner runner)
    {
        _app = app;
        Log = log;
        Runner = runner;
        _channel = GrpcChannel.ForAddress("http://generator", new GrpcChannelOptions { HttpHandler = app.GetTestServer().CreateHandler() });
        Client = new Wire.Generation.GenerationClient(_channel);
    }

    public LogGuard Log { get; }

    public ScriptedModelRunner Runner { get; }

    public Wire.Generation.GenerationClient Client { get; }

    public GrpcChannel Channel => _channel;

    public EngineHost Host => _app.Services.GetRequiredService<EngineHost>();

    public IServiceProvider Services => _app.Services;

    public static ServedModel Model(ScriptedModelRunner runner, GenerationDefaults? defaults = null) => new()
    {
        Name = "scripted",
        Directory = "memory",
        Architecture = "Scripted",
        Precision = "fp32",
        Shape = runner.Shape,
        Defaults = defaults ?? new GenerationDefaults { EosTokenIds = [EngineBench.Eos] },
        TokenizerSha256 = "ab12",
        PackageSha256 = "cd34",
        Parameters = 42,
        KvBytesPerToken = 64,
        CreateRunner = _ => runner,
    };

    public static async Task<GeneratorApp> StartAsync(
        ScriptedModelRunner? runner = null, GenerationDefaults? defaults = null, bool waitUntilReady = true, Func<ServedModel>? open = null,
        TimeSpan? shutdownTimeout = null, TimeProvider? time = null, ProcessLimits? limits = null,
        params (string Key, string Value)[] settings)
    {
        runner ??= new ScriptedModelRunner();
        var log = new LogGuard();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders().AddProvider(log);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Generator:PackageDirectory"] = "memory",
            ["Generator:StepTokensMax"] = "32",
            ["Generator:PrefillChunkTokens"] = "8",
        });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.AddServiceDefaults("parley-generator");
        if (shutdownTimeout is { } timeout)
            builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = timeout);
        if (time is not null)
            builder.Services.AddSingleton(time);
        if (limits is not null)
            builder.Services.AddSingleton(limits);
        builder.Services.AddSingleton(open ?? (() => Model(runner, defaults)));
        builder.AddGenerator();
        var app = builder.Build();
        app.MapServiceDefaults();
        app.MapGenerator();
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        var result = new GeneratorApp(app, log, runner);
        if (waitUntilReady)
            await result.Host.Ready;
        return result;
    }

    /// <summary>Calls Generate and reads all its events.</summary>
    public async Task<List<Wire.GenerateResponse>> GenerateAsync(
        Wire.GenerateRequest request, CancellationToken cancellationToken = default)
    {
        using var call = Client.Generate(request, cancellationToken: cancellationToken);
        var events = new List<Wire.GenerateResponse>();
        while (await call.ResponseStream.MoveNext(cancellationToken))
            events.Add(call.ResponseStream.Current);
        return events;
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
