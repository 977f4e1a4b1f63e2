using System.Text.Json;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;

namespace Parley.Gateway.KeptResponses;

/// <summary>
/// Responses that were asked to be kept, each for whom it was made and nobody else, in this process or in what is set in its place. An
/// entry is JSON: <c>owner</c>, <c>items</c> (the whole conversation that was asked with) and <c>response</c>.
/// </summary>
internal sealed class ResponseStore(IDistributedCache cache, IOptions<GatewayOptions> options, ILogger<ResponseStore> logger)
{
    private const string KeyPrefix = "parley:response:";

    /// <summary>A response repeats parts of its request, and bodies may be so deep before the entry's own levels.</summary>
    private static readonly JsonDocumentOptions AsDeepAsBodies = new() { MaxDepth = 1100 };

    private readonly ResponseStoreOptions _options = options.Value.ResponseStore;

    /// <summary>Why a response may be unknown, for whoever asks for one.</summary>
    public string Reach => _options.BytesMax == 0
        ? "this server keeps none (Gateway:ResponseStore:BytesMax is 0)"
        : $"one is kept until nobody has used it for {_options.Minutes} minutes or room is needed, for the key that made it, "
            + (_options.Redis.Length > 0 ? "by all Gateways of one store" : "by the Gateway that made it, until that one restarts");

    /// <summary>The entry; null where there is none for its owner.</summary>
    /// <exception cref="ChatException">The store cannot be reached.</exception>
    public async Task<JsonDocument?> FindAsync(string id, string owner, CancellationToken cancellationToken)
    {
        var bytes = await GuardAsync(token => cache.GetAsync(KeyPrefix + id, token), cancellationToken);
        if (bytes is null)
            return null;
        var entry = JsonDocument.Parse(bytes, AsDeepAsBodies);
        if (entry.RootElement.GetProperty("owner").ValueEquals(owner))
            return entry;
        entry.Dispose();
        return null;
    }

    /// <summary>Whether it was kept; a fault of the store is no fault of the answer.</summary>
    public async Task<bool> TryKeepAsync(string id, byte[] entry, CancellationToken cancellationToken)
    {
        if (_options.BytesMax == 0 || entry.Length > _options.EntryBytesMax)
            return false;
        try
        {
            var lifetime = new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromMinutes(_options.Minutes) };
            await cache.SetAsync(KeyPrefix + id, entry, lifetime, cancellationToken);
            return true;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            Log.ResponseNotKept(logger, id, exception);
            return false;
        }
    }

    /// <exception cref="ChatException">The store cannot be reached.</exception>
    public Task RemoveAsync(string id, CancellationToken cancellationToken) => GuardAsync(
        async token =>
        {
            await cache.RemoveAsync(KeyPrefix + id, token);
            return true;
        },
        cancellationToken);

    private static async Task<T> GuardAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await ask(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ChatException(
                new ChatError(ChatErrorKind.Unavailable, "Responses that were kept cannot be reached at the moment.")
                {
                    Detail = $"The store of responses failed: {exception.Message}",
                },
                exception);
        }
    }
}
