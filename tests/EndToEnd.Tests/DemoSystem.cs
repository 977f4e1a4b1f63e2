using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using Parley.Embedded.Hosting;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.ModelPackages;
using Parley.ServiceDefaults;
using Parley.TestSupport;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests;

/// <summary>The three services on the demo model in fp32, over real gRPC on loopback; started once for a collection of tests.</summary>
public sealed class DemoSystem : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-e2e-").FullName;
    private LocalSystem? _system;

    /// <summary>What the services logged.</summary>
    public LogGuard Log { get; } = new();

    public Uri Http => _system!.Http;

    /// <summary>The package that is served.</summary>
    public string Package => Path.Combine(_folder, "package");

    public GrpcChannel Gateway { get; private set; } = null!;

    internal ChatCompletion.ChatCompletionClient Chat { get; private set; } = null!;

    internal Tokenization.TokenizationClient Tokenizer { get; private set; } = null!;

    internal Generation.GenerationClient Generator { get; private set; } = null!;

    public GrpcChannel TokenizerChannel { get; private set; } = null!;

    public GrpcChannel GeneratorChannel { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await PackageCache.ImportAsync(Shared.DemoModel, Package, "fp32", CancellationToken.None);
        _system = await LocalSystem.StartAsync(
            new LocalSystemOptions { PackageDirectory = Package, LoggerProvider = Log, LogLevelMin = LogLevel.Information },
            CancellationToken.None);
        Gateway = GrpcClientDefaults.CreateChannel(_system.Grpc);
        TokenizerChannel = GrpcClientDefaults.CreateChannel(_system.Tokenizer);
        GeneratorChannel = GrpcClientDefaults.CreateChannel(_system.Generator);
        Chat = new ChatCompletion.ChatCompletionClient(Gateway);
        Tokenizer = new Tokenization.TokenizationClient(TokenizerChannel);
        Generator = new Generation.GenerationClient(GeneratorChannel);
    }

    public async ValueTask DisposeAsync()
    {
        Gateway?.Dispose();
        TokenizerChannel?.Dispose();
        GeneratorChannel?.Dispose();
        if (_system is not null)
            await _system.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
