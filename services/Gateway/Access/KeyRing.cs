using System.Security.Cryptography;

namespace Parley.Gateway.Access;

/// <summary>All keys at one moment, with the sets of limits that they name. Only hashes are kept.</summary>
internal sealed class KeyRing
{
    private readonly IReadOnlyList<(AccessKey Key, LimitOptions Limits)> _keys;
    private readonly IDictionary<string, LimitOptions> _limits;

    /// <param name="keys">The keys, each with limits that there are.</param>
    /// <param name="limits">The sets of limits.</param>
    public KeyRing(IEnumerable<AccessKey> keys, IDictionary<string, LimitOptions> limits)
    {
        _limits = limits;
        Default = limits.TryGetValue(LimitOptions.DefaultName, out var known) ? known : new LimitOptions();
        _keys = [.. keys.Select(key => (key, LimitsOf(key.LimitsName) ?? Default))];
    }

    /// <summary>The limits of whoever names no other set.</summary>
    public LimitOptions Default { get; }

    public int Count => _keys.Count;

    /// <summary>A set of limits; null where none has the name.</summary>
    public LimitOptions? LimitsOf(string name) => _limits.TryGetValue(name, out var limits) ? limits : null;

    /// <summary>Whose key a text is, compared with every one in constant time; null where it is none.</summary>
    public (AccessKey Key, LimitOptions Limits)? Find(string key)
    {
        if (key.Length is 0 or > KeyHash.KeyCharactersMax)
            return null;
        var given = KeyHash.BytesOf(key);
        var found = -1;
        for (var i = 0; i < _keys.Count; i++)
            found = CryptographicOperations.FixedTimeEquals(_keys[i].Key.Hash, given) ? i : found;
        return found < 0 ? null : _keys[found];
    }
}
