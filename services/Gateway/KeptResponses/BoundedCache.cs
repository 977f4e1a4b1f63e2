using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Options;

namespace Parley.Gateway.KeptResponses;

/// <summary>
/// A cache in this process that holds no more bytes than it may: what was used longest ago goes first, and the newest always has its place.
/// </summary>
internal sealed class BoundedCache(IOptions<GatewayOptions> options, TimeProvider time) : IDistributedCache
{
    /// <summary>What an entry costs beside its bytes and the letters of its key.</summary>
    private const int EntryBytes = 256;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Entry>> _entries = new(StringComparer.Ordinal);

    /// <summary>Used longest ago first.</summary>
    private readonly LinkedList<Entry> _byUse = [];

    private long _bytes;

    /// <summary>Bytes that are held.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
                return _bytes;
        }
    }

    public byte[]? Get(string key)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var node))
                return null;
            var entry = node.Value;
            var now = time.GetUtcNow();
            if (entry.Expires <= now)
            {
                Drop(node);
                return null;
            }

            entry.Expires = entry.Sliding is { } sliding ? now + sliding : entry.Expires;
            _byUse.Remove(node);
            _byUse.AddLast(node);
            return entry.Value;
        }
    }

    public void Set(string key, byte[] value, DistributedCacheEntryOptions entryOptions)
    {
        ArgumentNullException.ThrowIfNull(value);
        ArgumentNullException.ThrowIfNull(entryOptions);
        var now = time.GetUtcNow();
        var lifetime = entryOptions.AbsoluteExpirationRelativeToNow ?? entryOptions.SlidingExpiration;
        var expires = entryOptions.AbsoluteExpiration ?? now + lifetime ?? DateTimeOffset.MaxValue;
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var old))
                Drop(old);
            var entry = new Entry(key, value, entryOptions.SlidingExpiration) { Expires = expires };
            _entries[key] = _byUse.AddLast(entry);
            _bytes += entry.Cost;
            while (_byUse.First is { } first && (_bytes > options.Value.ResponseStore.BytesMax || first.Value.Expires <= now))
                Drop(first);
        }
    }

    public void Refresh(string key) => Get(key);

    public void Remove(string key)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var node))
                Drop(node);
        }
    }

    public Task<byte[]?> GetAsync(string key, CancellationToken token = default) => Task.FromResult(Get(key));

    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        Set(key, value, options);
        return Task.CompletedTask;
    }

    public Task RefreshAsync(string key, CancellationToken token = default)
    {
        Refresh(key);
        return Task.CompletedTask;
    }

    public Task RemoveAsync(string key, CancellationToken token = default)
    {
        Remove(key);
        return Task.CompletedTask;
    }

    private void Drop(LinkedListNode<Entry> node)
    {
        _entries.Remove(node.Value.Key);
        _byUse.Remove(node);
        _bytes -= node.Value.Cost;
    }

    private sealed class Entry(string key, byte[] value, TimeSpan? sliding)
    {
        public string Key => key;

        public byte[] Value => value;

        public TimeSpan? Sliding => sliding;

        public DateTimeOffset Expires { get; set; }

        public long Cost => value.Length + (2L * key.Length) + EntryBytes;
    }
}
