using Parley.ModelHub.Protocol;

namespace Parley.ModelHub;

/// <summary>Looks models up by words.</summary>
public static class HubSearch
{
    /// <exception cref="HubException">The Hub could not be asked.</exception>
    public static Task<IReadOnlyList<HubModel>> RunAsync(
        HubSettings settings, string words, int count, HttpMessageInvoker http, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return settings.Offline
            ? throw new HubException(HubFailure.Offline, "HF_HUB_OFFLINE forbids to ask the Hub.")
            : new HubApi(new HubRequests(http, settings, time), settings).SearchAsync(words, count, cancellationToken);
    }
}
