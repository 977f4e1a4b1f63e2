using Grpc.Health.V1;
using Grpc.Net.Client;
using Parley.Gateway.V1;
using Parley.ServiceDefaults;

namespace Parley.EndToEnd.Tests.Fleet;

/// <summary>
/// A Gateway before two Generators, each a process of its own behind a <see cref="CuttingProxy"/>; template and text are the demo system's
/// Tokenizer's.
/// </summary>
internal sealed class FleetSystem : IAsyncDisposable
{
    private readonly DemoSystem _demo;
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-fleet-").FullName;
    private readonly List<CuttingProxy> _proxies = [];
    private readonly List<Uri> _addresses = [];
    private readonly Lock _lock = new();
    private GrpcChannel? _channel;
    private ServiceProcess? _gateway;
    private int _left = -1;

    private FleetSystem(DemoSystem demo) => _demo = demo;

    /// <summary>The Generators' processes.</summary>
    public List<ServiceProcess> Generators { get; } = [];

    /// <summary>Where each answers, past its proxy.</summary>
    public IReadOnlyList<Uri> Addresses => _addresses;

    internal ChatCompletion.ChatCompletionClient Chat { get; private set; } = null!;

    /// <summary>Whether the cut that was asked for has happened.</summary>
    public bool WasCut
    {
        get
        {
            lock (_lock)
                return _left < 0;
        }
    }

    public static async Task<FleetSystem> StartAsync(DemoSystem demo, params string[] settings)
    {
        var fleet = new FleetSystem(demo);
        for (var i = 0; i < 2; i++)
        {
            fleet.Generators.Add(fleet.StartGenerator(new Uri("http://127.0.0.1:0")));
            fleet._addresses.Add(await fleet.Generators[i].ListeningAsync());
            fleet._proxies.Add(new CuttingProxy(fleet._addresses[i], fleet.Pass));
        }

        var http = "--Kestrel:Endpoints:Http:Url=http://unix:" + Path.Combine(fleet._folder, "http.sock");
        fleet._gateway = ServiceProcess.Start("Gateway", fleet._folder, new Dictionary<string, string>(),
        [
            "--Kestrel:Endpoints:Grpc:Url=http://127.0.0.1:0", http, $"--Gateway:TokenizerAddress=http://{demo.TokenizerChannel.Target}",
            $"--Gateway:GeneratorAddress={string.Join(',', fleet._proxies.Select(proxy => proxy.Address.AbsoluteUri))}",
            "--Gateway:BreakerFaultsMax=1000", "--Gateway:FailoverRatio=10", .. settings,
        ]);
        fleet._channel = GrpcClientDefaults.CreateChannel(await fleet._gateway.ListeningAsync());
        fleet.Chat = new ChatCompletion.ChatCompletionClient(fleet._channel);
        return fleet;
    }

    /// <summary>Whichever Generator's next bytes are the so-manieth loses its connection there.</summary>
    public void CutAfter(int bytes)
    {
        lock (_lock)
            _left = bytes;
    }

    /// <summary>The same Generator again, at the same address; returns when it is ready.</summary>
    public async Task RestartAsync(int index)
    {
        Generators[index].Dispose();
        Generators[index] = StartGenerator(_addresses[index]);
        await Generators[index].ListeningAsync();
        using var channel = GrpcClientDefaults.CreateChannel(_addresses[index]);
        var health = new Health.HealthClient(channel);
        while ((await health.CheckAsync(new HealthCheckRequest())).Status != HealthCheckResponse.Types.ServingStatus.Serving)
            await Task.Delay(20);
    }

    public async ValueTask DisposeAsync()
    {
        _channel?.Dispose();
        _gateway?.Dispose();
        foreach (var proxy in _proxies)
            await proxy.DisposeAsync();
        foreach (var generator in Generators)
            generator.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private ServiceProcess StartGenerator(Uri address) => ServiceProcess.Start("Generator", _folder, new Dictionary<string, string>(),
        [$"--Kestrel:Endpoints:Grpc:Url={address.GetLeftPart(UriPartial.Authority)}", $"--Generator:PackageDirectory={_demo.Package}",
            "--Parley:ShutdownSeconds=1"]);

    private int Pass(int length)
    {
        lock (_lock)
        {
            if (_left < 0 || length <= _left)
            {
                _left -= _left < 0 ? 0 : length;
                return length;
            }

            var passing = _left;
            _left = -1;
            return passing;
        }
    }
}
