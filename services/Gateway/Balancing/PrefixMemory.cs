namespace Parley.Gateway.Balancing;

/// <summary>
/// Which replica has computed which prefix last, as this Gateway has seen it: learned when a replica takes a prompt, forgotten by age. A
/// replica may have dropped what stands here; then the prompt is computed there as anywhere else.
/// </summary>
/// <param name="capacity">Blocks that are remembered at least; at most twice as many are held. 0 remembers none.</param>
internal sealed class PrefixMemory<TReplica>(int capacity)
    where TReplica : class
{
    private readonly Lock _lock = new();
    private Dictionary<ulong, TReplica> _young = [];
    private Dictionary<ulong, TReplica> _old = [];

    /// <summary>A replica has the blocks now.</summary>
    public void Learn(ReadOnlySpan<ulong> blocks, TReplica replica)
    {
        if (capacity == 0)
            return;
        lock (_lock)
        {
            foreach (var block in blocks)
                _young[block] = replica;
            if (_young.Count < capacity)
                return;
            (_young, _old) = ([], _young);
        }
    }

    /// <summary>The replica that has the longest prefix, and how many blocks that is; null where none of them is known.</summary>
    public (TReplica? Replica, int Blocks) Find(ReadOnlySpan<ulong> blocks, Func<TReplica, bool> mayServe)
    {
        lock (_lock)
        {
            for (var i = blocks.Length - 1; i >= 0; i--)
            {
                if ((_young.TryGetValue(blocks[i], out var replica) || _old.TryGetValue(blocks[i], out replica)) && mayServe(replica))
                    return (replica, i + 1);
            }
        }

        return (null, 0);
    }

    /// <summary>A replica has gone, and what it had with it.</summary>
    public void Forget(TReplica replica)
    {
        lock (_lock)
        {
            foreach (var blocks in (Dictionary<ulong, TReplica>[])[_young, _old])
            {
                foreach (var block in blocks.Where(pair => pair.Value == replica).Select(pair => pair.Key).ToList())
                    blocks.Remove(block);
            }
        }
    }
}
