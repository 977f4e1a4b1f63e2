using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Parley.Embedded.Hosting;
using Parley.Embedded.Memory;
using Parley.ModelHub;
using Parley.ModelPackages;
using Parley.ServiceDefaults;

namespace Parley.Embedded.Starting;

/// <summary>From a model's name to the three services on it: fetch, import, load, each only where it was not done before.</summary>
internal static class ModelStart
{
    /// <summary>Starts the services of one model.</summary>
    /// <exception cref="ParleyStartException">It cannot be served; the message says why.</exception>
    public static async Task<LocalSystem> RunAsync(
        ParleyEmbeddedOptions options, MemoryNetwork memory, ILoggerFactory? loggers, CancellationToken cancellationToken)
    {
        try
        {
            var view = new ProgressRelay(options.Progress);
            var source = await ModelSource.OpenAsync(view, options.Model, cancellationToken);
            var root = options.CacheFolder is { } folder ? Path.GetFullPath(folder) : PackageCache.Root;
            var package = await PackageCache.ResolveAsync(
                root, view, source, options.Precision, options.ContextTokens, cancellationToken);
            view.Note("Loading the model and warming up…");
            return await LocalSystem.StartAsync(
                new LocalSystemOptions
                {
                    PackageDirectory = package,
                    Memory = memory,
                    Threads = options.Threads,
                    Settings = new Dictionary<string, string?>(options.Settings),
                    LoggerProvider = new LoggerRelay(loggers),
                    LogLevelMin = LogLevel.Trace,
                },
                cancellationToken);
        }
        catch (Exception exception) when (MessageOf(exception) is { } message)
        {
            throw new ParleyStartException(message, exception);
        }
    }

    /// <summary>What to say of a fault of the input or of the surroundings; null for others, which keep their own type.</summary>
    private static string? MessageOf(Exception exception) => exception switch
    {
        HubException or InvalidDataException or IOException or UnauthorizedAccessException => exception.Message,
        OptionsValidationException invalid => string.Join(" ", invalid.Failures),
        _ when ServiceHost.IsUnreadableSetting(exception) => exception.Message,
        _ => null,
    };
}
