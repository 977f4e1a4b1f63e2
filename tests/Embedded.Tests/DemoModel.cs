using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Parley.Embedded.Hosting;
using Parley.ModelPackages;
using Parley.TestSupport;

namespace Parley.Embedded.Tests;

/// <summary>The demo model in fp32: served over ports, and by a client in this process.</summary>
public sealed class DemoModel : IAsyncLifetime
{
    public const string Question = "What is a token?";

    private LocalSystem? _system;
    private ILoggerFactory? _loggers;

    /// <summary>A folder for what tests make; deleted with the fixture.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("parley-embedded-").FullName;

    public string Package => Path.Combine(Folder, "package");

    /// <summary>What the services of <see cref="Embedded"/> logged.</summary>
    public LogGuard Log { get; } = new();

    /// <summary>The client of the server.</summary>
    public Client.ParleyChatClient Remote { get; private set; } = null!;

    /// <summary>The client that is tested.</summary>
    public ParleyChatClient Embedded { get; private set; } = null!;

    public static ChatOptions Drawn => new() { Temperature = 1.2f, TopK = 40, Seed = 7, MaxOutputTokens = 32 };

    public static ChatOptions Greedy => new() { Temperature = 0, MaxOutputTokens = 32 };

    /// <summary>So long an answer that nobody waits for its end.</summary>
    public static ChatOptions Endless => new()
    {
        Temperature = 0,
        MaxOutputTokens = 200,
        AdditionalProperties = new() { [Client.ParleyProperties.IgnoreEos] = true },
    };

    /// <summary>Another client, with a model of its own.</summary>
    public static ParleyChatClient Create(string model, Action<ParleyEmbeddedOptions>? configure = null)
    {
        var options = new ParleyEmbeddedOptions { Model = model };
        options.Settings["Parley:ShutdownSeconds"] = "60";
        configure?.Invoke(options);
        return new ParleyChatClient(options);
    }

    public async ValueTask InitializeAsync()
    {
        await PackageCache.ImportAsync(Shared.DemoModel, Package, "fp32", CancellationToken.None);
        _system = await LocalSystem.StartAsync(new LocalSystemOptions { PackageDirectory = Package }, CancellationToken.None);
        Remote = new Client.ParleyChatClient(_system.Grpc.AbsoluteUri);
        _loggers = LoggerFactory.Create(logging => logging.AddProvider(Log));
        Embedded = new ParleyChatClient(new ParleyEmbeddedOptions { Model = Package }, _loggers);
        await Embedded.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Remote?.Dispose();
        if (Embedded is not null)
            await Embedded.DisposeAsync();
        _loggers?.Dispose();
        if (_system is not null)
            await _system.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
