using Grpc.Core;
using Microsoft.Extensions.Options;
using Parley.Generator.Adapters;
using Parley.Generator.Engine;
using Wire = Parley.Generator.V1;

namespace Parley.Generator;

/// <summary>The edge of what loads and unloads adapters while the model is served.</summary>
internal sealed class AdapterService(
    EngineHost host, IOptions<GeneratorOptions> optionsAccessor, ILogger<AdapterService> logger)
    : Wire.Adapters.AdaptersBase
{
    private readonly GeneratorOptions _options = optionsAccessor.Value;

    public override async Task<Wire.LoadAdapterResponse> Load(Wire.LoadAdapterRequest request, ServerCallContext context)
    {
        var shelf = Shelf();
        try
        {
            var folder = FolderOf(request.Path);
            var (adapter, replaced) = await Task.Run(() => shelf.Load(request.Name, folder), context.CancellationToken);
            Log.AdapterLoaded(logger, adapter.Name, adapter.RankMax, adapter.LinearCount, adapter.Weights.Bytes, adapter.Folder);
            return new Wire.LoadAdapterResponse
            {
                Adapter = Describe(adapter),
                Replaced = replaced is not null,
                SequencesLeft = (uint)(replaced ?? 0),
            };
        }
        catch (AdapterException exception)
        {
            throw GrpcFaults.Of(exception);
        }
    }

    public override Task<Wire.UnloadAdapterResponse> Unload(Wire.UnloadAdapterRequest request, ServerCallContext context)
    {
        var shelf = Shelf();
        try
        {
            var left = shelf.Unload(request.Name);
            Log.AdapterUnloaded(logger, request.Name, left);
            return Task.FromResult(new Wire.UnloadAdapterResponse { SequencesLeft = (uint)left });
        }
        catch (AdapterException exception)
        {
            throw GrpcFaults.Of(exception);
        }
    }

    /// <summary>An adapter in the words of the contract.</summary>
    public static Wire.Adapter Describe(ServedAdapter adapter) => new()
    {
        Name = adapter.Name,
        PackageSha256 = adapter.Sha256,
        RankMax = (uint)adapter.RankMax,
        Linears = (uint)adapter.LinearCount,
        Bytes = (ulong)adapter.Weights.Bytes,
    };

    /// <summary>The folder that a path names. Links within the directory are its owner's.</summary>
    private string FolderOf(string path)
    {
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(_options.AdapterDirectory));
        if (path.Length == 0 || path.Contains('\0'))
            throw new AdapterException(AdapterRefusalKind.Invalid, "path", "is empty, or holds a character that no path has.");
        var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path, root));
        return folder.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? folder
            : throw new AdapterException(
                AdapterRefusalKind.Invalid, "path", "leads out of the folder that Generator:AdapterDirectory names.");
    }

    private AdapterShelf Shelf()
    {
        if (_options.AdapterDirectory.Length == 0)
        {
            throw GrpcFaults.Unimplemented(
                "path", "adapters are not loaded while the service runs: Generator:AdapterDirectory is not set.");
        }

        return host.Adapters
            ?? throw GrpcFaults.Unavailable("The model is being loaded.", TimeSpan.FromSeconds(_options.RetryAfterSeconds));
    }
}
