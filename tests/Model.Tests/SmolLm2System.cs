using System.Text.Json;
using Grpc.Net.Client;
using Parley.Embedded.Hosting;
using Parley.ModelPackages;
using Parley.ServiceDefaults;
using Parley.TestSupport;

namespace Parley.Model.Tests;

/// <summary>SmolLM2-135M-Instruct, imported as fp32 and served; made when the first test that has the model asks for it.</summary>
public sealed class SmolLm2System : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly string _folder = Directory.CreateTempSubdirectory("parley-model-").FullName;
    private readonly SemaphoreSlim _once = new(1, 1);
    private LocalSystem? _system;

    public LogGuard Log { get; } = new();

    /// <summary>The imported package.</summary>
    public string Package { get; private set; } = "";

    public GrpcChannel Tokenizer { get; private set; } = null!;

    public GrpcChannel Generator { get; private set; } = null!;

    public GrpcChannel Gateway { get; private set; } = null!;

    /// <summary>What transformers answers; skips the running test where the model or the answers are missing.</summary>
    public static SmolLm2Case[] Cases()
    {
        _ = Shared.SmolLm2();
        using var document = JsonDocument.Parse(File.ReadAllText(Shared.SmolLm2Expected()));
        return document.RootElement.GetProperty("cases").Deserialize<SmolLm2Case[]>(Json)!;
    }

    /// <summary>Imports and starts, once.</summary>
    public async Task StartAsync()
    {
        await _once.WaitAsync();
        try
        {
            if (_system is not null)
                return;
            Package = await PackageCache.ImportAsync(Shared.SmolLm2(), Path.Combine(_folder, "package"), "fp32", CancellationToken.None);
            _system = await LocalSystem.StartAsync(
                new LocalSystemOptions { PackageDirectory = Package, LoggerProvider = Log }, CancellationToken.None);
            Tokenizer = GrpcClientDefaults.CreateChannel(_system.Tokenizer);
            Generator = GrpcClientDefaults.CreateChannel(_system.Generator);
            Gateway = GrpcClientDefaults.CreateChannel(_system.Grpc);
        }
        finally
        {
            _once.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Tokenizer?.Dispose();
        Generator?.Dispose();
        Gateway?.Dispose();
        if (_system is not null)
            await _system.DisposeAsync();
        _once.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
