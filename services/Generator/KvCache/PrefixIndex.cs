namespace Parley.Generator.KvCache;

/// <summary>
/// Finds a block by what it holds: the identity of everything before it and its own tokens. A node is a number that is never used
/// twice, so a chain of nodes is a chain of contents; tokens are compared, not only their hash, so two prompts never mix.
/// </summary>
internal sealed class PrefixIndex(int blockCount, int blockTokens)
{
    private readonly Dictionary<(long Parent, int Hash), int> _firstByKey = new(blockCount);
    private readonly long[] _node = new long[blockCount];
    private readonly long[] _parent = new long[blockCount];
    private readonly int[] _hash = new int[blockCount];
    private readonly int[] _nextOfKey = new int[blockCount];
    private readonly uint[] _tokens = new uint[(long)blockCount * blockTokens];
    private long _lastNode;

    public bool Contains(int block) => _node[block] != 0;

    /// <summary>Looks for the block that holds <paramref name="tokens"/> behind <paramref name="parent"/>.</summary>
    public bool TryFind(long parent, ReadOnlySpan<uint> tokens, out int block, out long node)
    {
        if (_firstByKey.TryGetValue((parent, Hash(tokens)), out block))
        {
            for (; block >= 0; block = _nextOfKey[block])
            {
                if (tokens.SequenceEqual(TokensOf(block)))
                {
                    node = _node[block];
                    return true;
                }
            }
        }

        (block, node) = (-1, parent);
        return false;
    }

    /// <summary>Makes a block known; where an equal one is known already, that one stays.</summary>
    /// <param name="parent">The node of everything before it.</param>
    /// <param name="tokens">Its tokens.</param>
    /// <param name="block">The block.</param>
    /// <param name="holder">The block that is known for this content.</param>
    /// <returns>The node of the content.</returns>
    public long Add(long parent, ReadOnlySpan<uint> tokens, int block, out int holder)
    {
        if (TryFind(parent, tokens, out holder, out var known))
            return known;
        holder = block;
        var hash = Hash(tokens);
        _node[block] = ++_lastNode;
        _parent[block] = parent;
        _hash[block] = hash;
        _nextOfKey[block] = _firstByKey.TryGetValue((parent, hash), out var first) ? first : -1;
        tokens.CopyTo(TokensOf(block));
        _firstByKey[(parent, hash)] = block;
        return _lastNode;
    }

    /// <summary>Forgets a block's content, if it has any that is known.</summary>
    public void Remove(int block)
    {
        if (_node[block] == 0)
            return;
        var key = (_parent[block], _hash[block]);
        var first = _firstByKey[key];
        if (first != block)
        {
            var previous = first;
            while (_nextOfKey[previous] != block)
                previous = _nextOfKey[previous];
            _nextOfKey[previous] = _nextOfKey[block];
        }
        else if (_nextOfKey[block] >= 0)
        {
            _firstByKey[key] = _nextOfKey[block];
        }
        else
        {
            _firstByKey.Remove(key);
        }

        _node[block] = 0;
    }

    /// <summary>Adds what is wrong with the index to <paramref name="violations"/>.</summary>
    public void Validate(List<string> violations)
    {
        var reachable = 0;
        foreach (var (key, first) in _firstByKey)
        {
            for (var block = first; block >= 0 && reachable <= blockCount; block = _nextOfKey[block], reachable++)
            {
                if (_node[block] == 0 || _parent[block] != key.Parent || _hash[block] != key.Hash)
                    violations.Add($"The prefix index leads to block {block}, which holds something else.");
            }
        }

        var known = blockCount - _node.AsSpan().Count(0L);
        if (known != reachable)
            violations.Add($"{known} blocks have known content, {reachable} can be found.");
    }

    private Span<uint> TokensOf(int block) => _tokens.AsSpan(block * blockTokens, blockTokens);

    private static int Hash(ReadOnlySpan<uint> tokens)
    {
        var hash = default(HashCode);
        foreach (var id in tokens)
            hash.Add(id);
        return hash.ToHashCode();
    }
}
