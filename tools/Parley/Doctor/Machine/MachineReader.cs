using Microsoft.Extensions.Configuration;
using Parley.Cli.Hosting;
using Parley.Generator.Machine;
using Parley.ModelHub;
using Parley.ModelPackages;

namespace Parley.Cli.Doctor.Machine;

/// <summary>Reads this machine.</summary>
internal static class MachineReader
{
    /// <param name="model">Name or path; null is what the Generator's settings name, else the demo model.</param>
    /// <param name="ports">Ports to try; empty for those of <c>parley up</c> and of the services.</param>
    /// <param name="offline">Ask nobody.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<MachineState> ReadAsync(
        string? model, IReadOnlyList<int> ports, bool offline, CancellationToken cancellationToken)
    {
        var (options, faults) = SettingsReader.Read(sources => sources.AddEnvironmentVariables());
        var (settings, hub) = await ReadHubAsync(offline, cancellationToken);
        var named = model ?? (options.PackageDirectory.Length > 0
            ? options.PackageDirectory : Path.Combine(AppContext.BaseDirectory, "models", "demo"));
        var cache = settings?.CacheFolder;
        return new MachineState
        {
            Now = TimeProvider.System.GetUtcNow(),
            Options = options,
            SettingFaults = faults,
            Processor = ProcessorFacts.Read(),
            Limits = ProcessLimits.Current,
            Libraries = LibraryFacts.Read(options.Cuda),
            Package = PackageReader.Read(named, settings),
            Ports = ports.Count > 0
                ? [.. ports.Select(port => PortReader.Read(port, "--port"))]
                :
                [
                    PortReader.Read(UpCommand.DefaultHttpPort, "the Gateway's HTTP"),
                    PortReader.Read(UpCommand.DefaultGrpcPort, "the Gateway's gRPC"),
                    PortReader.Read(5082, "a Tokenizer of its own"),
                    PortReader.Read(5083, "a Generator of its own"),
                ],
            Hub = hub,
            Folders =
            [
                FolderFacts.Read(PackageCache.PackagesFolder, "packages", "XDG_CACHE_HOME"),
                .. cache is null ? Array.Empty<FolderFacts>() : [FolderFacts.Read(cache, "models of the Hub", "HF_HUB_CACHE")],
            ],
        };
    }

    private static async Task<(HubSettings? Settings, HubFacts Facts)> ReadHubAsync(bool offline, CancellationToken cancellationToken)
    {
        HubSettings settings;
        try
        {
            settings = HubSettings.FromEnvironment(Environment.GetEnvironmentVariable);
        }
        catch (HubException exception)
        {
            return (null, new HubFacts(null, offline, false, null, exception.Message));
        }

        var isOffline = offline || settings.Offline;
        using var http = ModelPull.CreateHttp(settings);
        var answer = isOffline ? null : await HubAnswer.AskAsync(settings, http, TimeProvider.System, cancellationToken);
        return (settings, new HubFacts(settings.Endpoint, isOffline, settings.Token is not null, answer, null));
    }
}
