using System.Text;
using Parley.TestSupport;
using Parley.TestSupport.Hub;

namespace Parley.Cli.Tests.Doubles;

/// <summary>A local Hub, a user's home with nothing in it, and the command line between them.</summary>
internal sealed class HubHome : IAsyncDisposable
{
    private HubHome(LocalHub hub) => Hub = hub;

    public LocalHub Hub { get; }

    public string Folder { get; } = Directory.CreateTempSubdirectory("parley-home-").FullName;

    public string CacheFolder => Path.Combine(Folder, "hf", "hub");

    public string TokenPath => Path.Combine(Folder, "hf", "token");

    public Dictionary<string, string?> Environment { get; private init; } = [];

    public static async Task<HubHome> StartAsync()
    {
        var home = new HubHome(await LocalHub.StartAsync());
        foreach (var name in new[]
        {
            "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE",
            "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_IMPLICIT_TOKEN",
        })
            home.Environment[name] = null;
        home.Environment["HF_ENDPOINT"] = home.Hub.Endpoint.AbsoluteUri;
        home.Environment["HF_HOME"] = Path.Combine(home.Folder, "hf");
        home.Environment["XDG_CACHE_HOME"] = Path.Combine(home.Folder, "cache");
        home.Environment["HOME"] = home.Folder;
        return home;
    }

    /// <summary>The demo model as a repository.</summary>
    public LocalRepository AddDemo(string name, char commit = 'a')
    {
        var repository = Hub.Add(name, commit: commit);
        foreach (var path in Directory.GetFiles(Shared.DemoModel))
        {
            var isLarge = path.EndsWith(".safetensors", StringComparison.Ordinal);
            repository.With(Path.GetFileName(path), File.ReadAllBytes(path), isLarge);
        }

        return repository;
    }

    public ParleyRun Start(params string[] arguments) => ParleyRun.Start(Environment, null, arguments);

    /// <summary>Runs a command to its end.</summary>
    public async Task<(int ExitCode, string Text)> RunAsync(params string[] arguments) => await RunWithInputAsync(null, arguments);

    public async Task<(int ExitCode, string Text)> RunWithInputAsync(string? input, params string[] arguments)
    {
        await using var run = ParleyRun.Start(Environment, input, arguments);
        var code = await run.EndAsync();
        return (code, run.Text);
    }

    /// <summary>Whether somebody has asked for a large file's bytes.</summary>
    public bool HasSentWeights() => Hub.Requests.Any(request => request.Path.StartsWith("/store/", StringComparison.Ordinal));

    /// <summary>The beginning of a GGUF file that names its architecture and nothing else, and zeros up to a length.</summary>
    public static byte[] Gguf(string architecture, int length)
    {
        var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream))
        {
            writer.Write("GGUF"u8);
            writer.Write(3u);
            writer.Write(0UL);
            writer.Write(1UL);
            Text(writer, "general.architecture");
            writer.Write(8u);
            Text(writer, architecture);
        }

        var bytes = new byte[length];
        stream.ToArray().CopyTo(bytes, 0);
        return bytes;
    }

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private static void Text(BinaryWriter writer, string text)
    {
        writer.Write((ulong)text.Length);
        writer.Write(Encoding.ASCII.GetBytes(text));
    }
}
