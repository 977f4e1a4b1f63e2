using System.Runtime.InteropServices;

namespace Parley.Gateway.Access;

/// <summary>All keys at one moment, with the sets of limits that they name. Only hashes are kept.</summary>
internal sealed class KeyRing
{
    private readonly IReadOnlyList<(AccessKey Key, LimitOptions Limits)> _keys;
    private readonly IDictionary<string, LimitOptions> _limits;

    /// <summary>Four words per key, one key after the other.</summary>
    private readonly ulong[] _hashes;

    /// <param name="keys">The keys, each with limits that there are.</param>
    /// <param name="limits">The sets of limits.</param>
    public KeyRing(IEnumerable<AccessKey> keys, IDictionary<string, LimitOptions> limits)
    {
        _limits = limits;
        Default = limits.TryGetValue(LimitOptions.DefaultName, out var known) ? known : new LimitOptions();
        _keys = [.. keys.Select(key => (key, LimitsOf(key.LimitsName) ?? Default))];
        _hashes = [.. _keys.SelectMany(pair => MemoryMarshal.Cast<byte, ulong>(pair.Key.Hash).ToArray())];
    }

    /// <summary>The limits of whoever names no other set.</summary>
    public LimitOptions Default { get; }

    public int Count => _keys.Count;

    /// <summary>A set of limits; null where none has the name.</summary>
    public LimitOptions? LimitsOf(string name) => _limits.TryGetValue(name, out var limits) ? limits : null;

    /// <summary>
    /// Whose key a text is; null where it is none. Every hash is compared, and all of it, so the time does not tell how near one came. By
    /// words: CryptographicOperations.FixedTimeEquals took 1.1 ms for 10,000 keys.
    /// </summary>
    public (AccessKey Key, LimitOptions Limits)? Find(string key)
    {
        if (key.Length is 0 or > KeyHash.KeyCharactersMax)
            return null;
        var given = MemoryMarshal.Cast<byte, ulong>(KeyHash.BytesOf(key));
        var found = -1;
        for (var i = 0; i < _keys.Count; i++)
        {
            var hashes = _hashes.AsSpan(i * given.Length, given.Length);
            var difference = (hashes[0] ^ given[0]) | (hashes[1] ^ given[1]) | (hashes[2] ^ given[2]) | (hashes[3] ^ given[3]);
            found = difference == 0 ? i : found;
        }

        return found < 0 ? null : _keys[found];
    }
}
