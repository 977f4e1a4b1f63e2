using Parley.ModelHub.Naming;
using Parley.TestSupport.Hub;

namespace Parley.ModelHub.Tests.Doubles;

/// <summary>A local Hub, an empty cache, and pulls between them.</summary>
internal sealed class HubBench : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-hub-").FullName;

    private HubBench(LocalHub hub) => Hub = hub;

    public LocalHub Hub { get; }

    public string CacheFolder => Path.Combine(_folder, "hub");

    public string TokenPath => Path.Combine(_folder, "token");

    public List<PullProgress> Progress { get; } = [];

    public static async Task<HubBench> StartAsync() => new(await LocalHub.StartAsync());

    public HubSettings Settings(string? token = null, bool offline = false, int partBytes = 1000, TimeSpan? silence = null) => new()
    {
        Endpoint = Hub.Endpoint,
        Token = token,
        TokenPath = TokenPath,
        CacheFolder = CacheFolder,
        ChecksFolder = Path.Combine(_folder, "checked"),
        Offline = offline,
        PartBytes = partBytes,
        FlushBytes = partBytes,
        ConnectionsMax = 4,
        AttemptsMax = 4,
        RetryDelay = TimeSpan.FromMilliseconds(1),
        SilenceMax = silence ?? TimeSpan.FromSeconds(30),
    };

    public async Task<PulledModel> PullAsync(
        string name, HubSettings? settings = null, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        settings ??= Settings();
        using var http = ModelPull.CreateHttp(settings);
        var pull = new ModelPull(settings, http, time ?? TimeProvider.System);
        return await pull.RunAsync(ModelReference.Parse(name), new Inline(this), cancellationToken);
    }

    /// <summary>A model of a few files, its weights large enough for several parts.</summary>
    public LocalRepository AddModel(string name, int weightBytes = 5500, string revision = "main", char commit = 'a')
    {
        var weights = new byte[weightBytes];
        new Random(weightBytes).NextBytes(weights);
        return Hub.Add(name, revision, commit)
            .With("config.json", """{"model_type": "llama"}""")
            .With("tokenizer.json", "{}")
            .With("README.md", "a model")
            .With("pytorch_model.bin", [1, 2, 3], isLarge: true)
            .With("model.safetensors", weights, isLarge: true);
    }

    public string RepositoryFolder(string name) =>
        Path.Combine(CacheFolder, "models--" + name.Replace("/", "--", StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private sealed class Inline(HubBench bench) : IProgress<PullProgress>
    {
        public void Report(PullProgress value)
        {
            lock (bench.Progress)
                bench.Progress.Add(value);
        }
    }
}
